/** What the hot loop calls when an event is not the one predicted: three WebAssembly functions. */
import { FunctionBuilder, type FunctionRef } from '../wasm/function-builder.js';
import { I32 } from '../wasm/opcode.js';
import { BUCKET_FACTOR, BUCKETS, ROW, ROW_SHIFT, SITE_DYNAMIC, SITE_FIXED } from './edge-table.js';
import { at, ofRow, STATE } from './stride-state.js';

/** `put(at, value) -> at`: a varint. */
export const writePut = (): FunctionBuilder => {
  const f = new FunctionBuilder(2);
  const [to, value] = [0, 1];
  const done = f.block();
  const again = f.loop();
  f.get(value).i32(128).op('i32_lt_u').brIf(done);
  f.get(to).get(value).i32(128).op('i32_or').memory('i32_store8');
  f.get(to).i32(1).op('i32_add').set(to);
  f.get(value).i32(7).op('i32_shr_u').set(value);
  f.br(again).end().end();
  f.get(to).get(value).memory('i32_store8');
  f.get(to).i32(1).op('i32_add');
  return f;
};

/** `resolve(edgeOf, rows, heads, site, target)`: the id of a dynamic event, which becomes its site's latest. */
export const writeResolve = (intern: FunctionRef): FunctionBuilder => {
  const f = new FunctionBuilder(5);
  const [edgeOf, rows, heads, site, target] = [0, 1, 2, 3, 4];
  const latest = f.allocate(I32);
  const edge = f.allocate(I32);
  const row = f.allocate(I32);
  f.get(edgeOf).get(site).i32(2).op('i32_shl', 'i32_add').set(latest);
  f.get(latest)
    .memory('i32_load')
    .i32(ROW_SHIFT + 2)
    .op('i32_shr_u')
    .set(edge);
  const found = f.block();
  const rowOfEdge = (): FunctionBuilder =>
    f
      .get(rows)
      .get(edge)
      .i32(ROW_SHIFT + 2)
      .op('i32_shl', 'i32_add')
      .set(row);
  rowOfEdge();
  f.get(row).memory('i32_load', ofRow(ROW.target)).get(target).op('i32_eq').brIf(found);
  f.get(site).i32(BUCKET_FACTOR).op('i32_mul').get(target).i32(1).op('i32_shr_u', 'i32_xor');
  f.i32(BUCKETS - 1)
    .op('i32_and')
    .i32(2)
    .op('i32_shl')
    .get(heads)
    .op('i32_add')
    .memory('i32_load')
    .set(edge);
  const again = f.loop();
  f.get(edge).op('i32_eqz');
  f.if();
  f.get(site).get(target).call(intern).op('return').end();
  rowOfEdge();
  f.get(row).memory('i32_load', ofRow(ROW.site)).get(site).op('i32_eq');
  f.get(row).memory('i32_load', ofRow(ROW.target)).get(target).op('i32_eq', 'i32_and').brIf(found);
  f.get(row).memory('i32_load', ofRow(ROW.nextInHash)).set(edge);
  f.br(again).end().end();
  f.get(latest)
    .get(edge)
    .i32(ROW_SHIFT + 2)
    .op('i32_shl')
    .i32(SITE_DYNAMIC)
    .op('i32_or')
    .memory('i32_store');
  f.get(edge)
    .i32(ROW_SHIFT + 2)
    .op('i32_shl')
    .i32(SITE_FIXED)
    .op('i32_or');
  return f;
};

/** `miss(state, place, edge, delta, run, row)`: codes 1 to 5, the event is not what the first candidate says. */
export const writeMiss = (put: FunctionRef): FunctionBuilder => {
  const f = new FunctionBuilder(6);
  const [state, place, edge, delta, run, row] = [0, 1, 2, 3, 4, 5];
  const code = f.allocate(I32);
  const first = f.allocate(I32);
  const number = f.allocate(I32);
  const append = (word: number, push: () => void): void => {
    f.get(state);
    f.get(state).memory('i32_load', at(word));
    push();
    f.call(put).memory('i32_store', at(word));
  };
  f.i32(1).set(code);
  f.get(place).memory('i32_load').set(first);
  f.get(first).get(edge).op('i32_ne');
  f.if();
  f.get(place).memory('i32_load', at(2)).get(edge).op('i32_eq');
  f.if();
  f.i32(2).i32(3).get(place).memory('i32_load', at(3)).get(delta).op('i32_eq', 'select').set(code);
  f.else();
  f.i32(4).i32(5).get(row).memory('i32_load', ofRow(ROW.lastDelta)).get(delta).op('i32_eq', 'select').set(code);
  f.get(edge)
    .i32(ROW_SHIFT + 2)
    .op('i32_shr_u')
    .set(number);
  f.get(number).get(state).memory('i32_load', at(STATE.named)).i32(1).op('i32_add', 'i32_eq');
  f.if();
  f.get(state).get(number).memory('i32_store', at(STATE.named));
  f.i32(0).set(number);
  f.end();
  append(STATE.edgeIndex, () => f.get(number));
  f.end();
  f.get(place).get(first).memory('i32_store', at(2));
  f.get(place).get(place).memory('i32_load', at(1)).memory('i32_store', at(3));
  f.get(place).get(edge).memory('i32_store');
  f.end();
  f.get(place).get(delta).memory('i32_store', at(1));
  f.get(row).get(delta).memory('i32_store', ofRow(ROW.lastDelta));
  append(STATE.runs, () => f.get(run).i32(3).op('i32_shl').get(code).op('i32_add').i32(1).op('i32_sub'));
  f.get(code).i32(1).op('i32_and');
  f.if();
  append(STATE.clockDelta, () => f.get(delta).i32(1).op('i32_shl').get(delta).i32(31).op('i32_shr_s', 'i32_xor'));
  f.end();
  return f;
};
