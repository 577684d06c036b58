import { describe, expect, test } from 'vitest';
import { ByteBuffer } from '../../src/wasm/byte-buffer.js';
import { FunctionBuilder } from '../../src/wasm/function-builder.js';
import { signedLength, unsignedLength } from '../../src/wasm/leb128.js';
import { ModuleBuilder } from '../../src/wasm/module-builder.js';
import { F64, I32, I64 } from '../../src/wasm/opcode.js';

const instantiate = (m: ModuleBuilder, imports: WebAssembly.Imports = {}) =>
  new WebAssembly.Instance(new WebAssembly.Module(m.finish()), imports).exports as Record<
    string,
    (...args: number[]) => number
  >;

const decodeUnsigned = (bytes: Uint8Array) => bytes.reduce((sum, b, n) => sum + (b & 0x7f) * 2 ** (7 * n), 0);

describe('LEB128', () => {
  test.each([0, 1, 63, 64, 127, 128, 0x3fff, 0x4000, 0xc020_0000, 0xffff_ffff])('u32 %i reads back', (value) => {
    const b = new ByteBuffer(1);
    b.u32(value);
    expect(decodeUnsigned(b.view())).toBe(value);
    expect(b.length).toBe(unsignedLength(value));
  });

  test.each([0, 1, -1, 63, 64, -64, -65, 8191, 8192, -0x8000_0000, 0x7fff_ffff])('i32.const %i reads back', (value) => {
    const b = new ByteBuffer(1);
    b.s32(value);
    expect(b.length).toBe(signedLength(value));
    const m = new ModuleBuilder();
    const at = m.declare(m.type([], [I32]));
    m.define(at, new FunctionBuilder(0).i32(value));
    m.exportFunction('f', at);
    expect(instantiate(m).f?.()).toBe(value);
  });

  test('i64.const and f64.const read back', () => {
    const m = new ModuleBuilder();
    const wide = m.declare(m.type([], [I64]));
    const double = m.declare(m.type([], [F64]));
    m.define(wide, new FunctionBuilder(0).i64(-0x1234_5678_9abc_def0n));
    m.define(double, new FunctionBuilder(0).f64(-1.5e300));
    m.exportFunction('i', wide);
    m.exportFunction('f', double);
    const { i, f } = instantiate(m);
    expect(i?.()).toBe(-0x1234_5678_9abc_def0n);
    expect(f?.()).toBe(-1.5e300);
  });
});

describe('function builder', () => {
  test('labels resolve to the right depth whatever is opened between', () => {
    const m = new ModuleBuilder();
    const f = new FunctionBuilder(1);
    const sum = f.allocate(I32);
    const done = f.block();
    const again = f.loop();
    f.get(0).op('i32_eqz').brIf(done);
    f.get(0).i32(1).op('i32_and');
    f.if();
    f.get(sum).get(0).op('i32_add').set(sum);
    f.get(0).i32(1).op('i32_sub').set(0);
    f.br(again);
    f.end();
    f.get(0).i32(1).op('i32_sub').set(0);
    f.br(again).end().end();
    f.get(sum);
    const at = m.declare(m.type([I32], [I32]));
    m.define(at, f);
    m.exportFunction('oddSum', at);
    expect(instantiate(m).oddSum?.(9)).toBe(1 + 3 + 5 + 7 + 9);
  });

  test('a released local is handed out again, one of another type is not', () => {
    const f = new FunctionBuilder(2);
    const a = f.allocate(I32);
    const d = f.allocate(F64);
    f.release(a);
    expect(f.allocate(F64)).not.toBe(a);
    expect(f.allocate(I32)).toBe(a);
    expect(d).not.toBe(a);
  });

  test('set then get of one local is a tee and keeps the value', () => {
    const m = new ModuleBuilder();
    const f = new FunctionBuilder(1);
    const t = f.allocate(I32);
    f.get(0).set(t).get(t).get(t).op('i32_add');
    expect(f.size).toBe(7);
    const at = m.declare(m.type([I32], [I32]));
    m.define(at, f);
    m.exportFunction('twice', at);
    expect(instantiate(m).twice?.(21)).toBe(42);
  });

  test('an open construct is refused', () => {
    const f = new FunctionBuilder(0);
    f.block();
    expect(() => f.finish(0)).toThrow(/open/);
  });
});

describe('module builder', () => {
  test('tail calls through a table run a million hops in constant stack', () => {
    const m = new ModuleBuilder();
    const type = m.type([I32], [I32]);
    m.importTable('e', 'table', 2);
    const [even, odd] = [m.declare(type), m.declare(type)];
    for (const [self, other, result] of [
      [even, 1, 100],
      [odd, 0, 200],
    ] as const) {
      const f = new FunctionBuilder(1);
      f.get(0).op('i32_eqz');
      f.if();
      f.i32(result).op('return').end();
      f.get(0).i32(1).op('i32_sub').i32(other).returnCallIndirect(type);
      m.define(self, f);
    }
    m.element(0, [even, odd]);
    m.exportFunction('even', even);
    const table = new WebAssembly.Table({ initial: 2, element: 'anyfunc' });
    const { even: run } = instantiate(m, { e: { table } });
    expect(run?.(1_000_000)).toBe(100);
    expect(run?.(1_000_001)).toBe(200);
  });

  test('imports of memory, global and function are wired by index', () => {
    const m = new ModuleBuilder();
    m.importMemory('e', 'memory', 1, 1);
    const g = m.importGlobal('e', 'g', I32, true);
    const host = m.importFunction('e', 'host', m.type([I32], [I32]));
    const f = new FunctionBuilder(1);
    f.get(0).call(host).globalSet(g);
    f.i32(8).globalGet(g).memory('i32_store', 4);
    f.i32(12).memory('i32_load8_u');
    const at = m.declare(m.type([I32], [I32]));
    m.define(at, f);
    m.exportFunction('f', at);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const global = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
    const out = instantiate(m, { e: { memory, g: global, host: (x: number) => x * 3 } });
    expect(out.f?.(100)).toBe(300 & 0xff);
    expect(global.value).toBe(300);
    expect(new Int32Array(memory.buffer)[3]).toBe(300);
  });

  test('a call of a defined function stays right when imports are added after it', () => {
    const m = new ModuleBuilder();
    const type = m.type([], [I32]);
    const [seven, caller] = [m.declare(type), m.declare(type)];
    const f = new FunctionBuilder(0).call(seven);
    m.define(seven, new FunctionBuilder(0).i32(7));
    const late = m.importFunction('e', 'late', type);
    m.define(caller, f.call(late).op('i32_add'));
    m.exportFunction('caller', caller);
    expect(instantiate(m, { e: { late: () => 100 } }).caller?.()).toBe(107);
  });

  test('equal signatures share one type', () => {
    const m = new ModuleBuilder();
    expect(m.type([I32], [])).toBe(m.type([I32], []));
    expect(m.type([I32], [])).not.toBe(m.type([], [I32]));
  });
});
