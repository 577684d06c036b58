/**
 * The module every region imports from: checked memory access off the fast path, the way between regions, floating ops
 * under any FPSCR. Instantiated once per translator; addresses of its data area are constants in it.
 */
import { stateAddress, Word } from '../guest/cpu-state.js';
import { PAGE_SHIFT, PERMISSION_TABLE } from '../guest/layout.js';
import { Permission } from '../guest/memory.js';
import { type FloatingOp, isFloating, OPS, type Op } from '../ir/opcode.js';
import { FaultKind } from '../ir/terminal.js';
import { FunctionBuilder, type FunctionRef, type Local } from '../wasm/function-builder.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import { I32 } from '../wasm/opcode.js';
import { JUMP_CACHE, JUMP_CACHE_ENTRIES, NEXT_ADDRESS } from './data-area.js';
import { ENGINE_BASE, REGION_SIGNATURE } from './region-function.js';
import { DYNAMIC_EXIT } from './result-code.js';
import { writeFloatingFunction } from './support-floating.js';
import { floatingSignature, type SupportFunction, supportSignatures } from './support-signatures.js';

/** Regions a call may nest on the host's stack; deeper calls are tail calls. Frames are at most about 1 KB. */
const MAX_DEPTH = 200;

export const FLOATING_OPS = (Object.keys(OPS) as Op[]).filter((op): op is FloatingOp => isFloating(op));

/** Pushes the permission byte of the page of the address on the stack. */
const writePermissionOf = (f: FunctionBuilder): void => {
  f.i32(PAGE_SHIFT).op('i32_shr_u').memory('i32_load8_u', PERMISSION_TABLE);
};

class SupportWriter {
  readonly module = new ModuleBuilder();
  private readonly base: number;
  private readonly regionType: number;
  private readonly announce: FunctionRef;
  private readonly refs = new Map<SupportFunction, FunctionRef>();

  constructor(base: number) {
    this.base = base;
    this.module.importMemory('host', 'memory', 65536, 65536);
    this.module.importTable('host', 'table', 1);
    this.regionType = this.module.type(REGION_SIGNATURE.params, REGION_SIGNATURE.results);
    this.announce = this.module.importFunction('host', 'announce', this.module.type([I32, I32], []));
  }

  write(): Uint8Array<ArrayBuffer> {
    this.function('checkRead', (f) => this.check(f, Permission.READ, FaultKind.READ));
    this.function('checkWrite', (f) => this.check(f, Permission.WRITE, FaultKind.WRITE));
    this.function('misaligned', (f) => this.misaligned(f));
    this.function('store8', (f) => this.store(f, 'i32_store8', 1));
    this.function('store16', (f) => this.store(f, 'i32_store16', 2));
    this.function('store32', (f) => this.store(f, 'i32_store', 4));
    this.function('store64', (f) => this.store(f, 'f64_store', 8));
    this.function('leave', (f) => this.leave(f, 0));
    this.function('unlinked', (f) => f.get(0).i32(3).op('i32_shl').i32(6).op('i32_or'));
    this.function('dispatch', (f) => this.dispatch(f));
    this.function('run', (f) => this.run(f));
    for (const op of FLOATING_OPS) this.floating(op);
    return this.module.finish();
  }

  private function(name: SupportFunction, write: (f: FunctionBuilder) => void): void {
    const { params, results } = supportSignatures[name];
    const f = new FunctionBuilder(params.length);
    const ref = this.module.declare(this.module.type(params, results));
    this.refs.set(name, ref);
    write(f);
    this.module.define(ref, f);
    this.module.exportFunction(name, ref);
  }

  private floating(op: FloatingOp): void {
    const { params, results } = floatingSignature(op);
    const host = this.module.importFunction('float', op, this.module.type([I32, I32], []));
    const f = new FunctionBuilder(params.length);
    writeFloatingFunction(f, op, this.base, host);
    const ref = this.module.declare(this.module.type(params, results));
    this.module.define(ref, f);
    this.module.exportFunction(op, ref);
  }

  /** Parameters: address, size. The pages of the first and the last byte both need `permission`. */
  private check(f: FunctionBuilder, permission: number, kind: number): void {
    const last = f.allocate(I32);
    this.refuseUnlessAllowed(f, 0, permission, kind, () => f.get(0));
    f.get(0).get(1).op('i32_add').i32(1).op('i32_sub').set(last);
    this.refuseUnlessAllowed(f, last, permission, kind, () =>
      f
        .get(last)
        .i32(-1 << PAGE_SHIFT)
        .op('i32_and'),
    );
    f.i32(0);
  }

  private refuseUnlessAllowed(
    f: FunctionBuilder,
    at: Local,
    permission: number,
    kind: number,
    address: () => void,
  ): void {
    f.get(at);
    writePermissionOf(f);
    f.i32(permission).op('i32_and', 'i32_eqz');
    f.if();
    this.fault(f, kind, address);
    f.end();
  }

  private fault(f: FunctionBuilder, kind: number, address: () => void): void {
    f.i32(stateAddress(Word.FAULT_ADDR));
    address();
    f.memory('i32_store');
    f.i32(stateAddress(Word.FAULT_KIND)).i32(kind).memory('i32_store');
    f.i32(1).op('return');
  }

  private misaligned(f: FunctionBuilder): void {
    this.fault(f, FaultKind.ALIGNMENT, () => f.get(0));
    f.op('unreachable');
  }

  /** Parameters: address, value. */
  private store(f: FunctionBuilder, op: 'i32_store8' | 'i32_store16' | 'i32_store' | 'f64_store', size: number): void {
    f.get(0)
      .i32(size)
      .call(this.refs.get('checkWrite') as FunctionRef);
    f.if();
    f.i32(1).op('return').end();
    f.get(0).get(1).memory(op);
    f.get(0);
    writePermissionOf(f);
    f.get(0)
      .i32(size - 1)
      .op('i32_add');
    writePermissionOf(f);
    f.op('i32_or').i32(Permission.CODE).op('i32_and');
    f.if();
    f.get(0).i32(size).call(this.announce).end();
    f.i32(0);
  }

  private leave(f: FunctionBuilder, address: Local): void {
    f.i32(this.base + NEXT_ADDRESS)
      .get(address)
      .memory('i32_store')
      .i32(DYNAMIC_EXIT);
  }

  /** Sets `entry` to the address of the jump cache entry for the guest address, and pushes whether it holds that. */
  private look(f: FunctionBuilder, address: Local, entry: Local): void {
    f.get(address).i32(1).op('i32_shr_u').get(address).i32(14).op('i32_shr_u', 'i32_xor');
    f.i32(JUMP_CACHE_ENTRIES - 1)
      .op('i32_and')
      .i32(4)
      .op('i32_shl')
      .i32(this.base + JUMP_CACHE)
      .op('i32_add')
      .set(entry);
    f.get(entry).memory('i32_load').get(address).op('i32_eq');
  }

  /** Parameters: address, depth. */
  private dispatch(f: FunctionBuilder): void {
    const entry = f.allocate(I32);
    this.look(f, 0, entry);
    f.if();
    f.get(entry)
      .memory('i32_load', 4)
      .get(1)
      .i32(ENGINE_BASE)
      .get(entry)
      .memory('i32_load', 8)
      .returnCallIndirect(this.regionType)
      .end();
    this.leave(f, 0);
  }

  /** Parameters: parameter, slot. */
  private run(f: FunctionBuilder): void {
    const result = f.allocate(I32);
    const entry = f.allocate(I32);
    const again = f.loop();
    f.get(0).i32(MAX_DEPTH).i32(ENGINE_BASE).get(1).callIndirect(this.regionType).set(result);
    f.get(result).i32(3).op('i32_and').i32(2).op('i32_eq');
    f.if();
    f.get(result).op('return').end();
    this.look(f, result, entry);
    f.if();
    f.get(entry).memory('i32_load', 4).set(0);
    f.get(entry).memory('i32_load', 8).set(1);
    f.br(again).end();
    f.end();
    this.leave(f, result);
  }
}

/** The support module's bytes for a data area at `base`. */
export const supportModule = (base: number): Uint8Array<ArrayBuffer> => new SupportWriter(base).write();
