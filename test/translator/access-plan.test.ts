import { expect, test } from 'vitest';
import type { Builder } from '../../src/ir/builder.js';
import { AccessPlan } from '../../src/translator/access-plan.js';
import { at, block, jump } from './rig.js';

const OUTSIDE = 90;

/** The plan of a block, and the loads in it. */
const plan = (body: (b: Builder) => void) => {
  const made = block(at(0), 1, (b) => {
    b.enter(1);
    b.insn(0, 0);
    body(b);
    return jump(at(OUTSIDE));
  });
  const loads = made.insts.flatMap((inst, id) => (inst.op === 'load8u' ? [id] : []));
  const aligns = made.insts.flatMap((inst, id) => (inst.op === 'checkAlign' ? [id] : []));
  const thePlan = new AccessPlan(made);
  return {
    covers: loads.map((id) => thePlan.site(id).cover),
    needless: aligns.map((id) => thePlan.isNeedless(id)),
  };
};

const near = (b: Builder, register: number, offset: number) => b.add(b.get(register), b.const(offset));

test('accesses within a page of each other share a cover, seen from one register', () => {
  const { covers } = plan((b) => {
    b.load8u(near(b, 1, 100));
    b.load8u(near(b, 2, 0));
    b.load8u(near(b, 1, -3995));
    b.load8u(near(b, 1, 101));
  });
  expect(covers[0]).toMatchObject({ low: -3995, end: 101 });
  expect(covers[2]).toBe(covers[0]);
  expect(covers[1]).toBeUndefined();
  // One byte more than a page.
  expect(covers[3]).toBeUndefined();
});

test('a register that moves by a constant is still the same root, one with another value is not', () => {
  const { covers } = plan((b) => {
    b.load8u(b.get(1));
    b.set(near(b, 1, 4), 1);
    b.load8u(b.get(1));
    b.set(b.get(2), 1);
    b.load8u(b.get(1));
    b.load8u(near(b, 2, 8));
  });
  expect(covers[0]).toMatchObject({ low: 0, end: 5 });
  expect(covers[1]).toBe(covers[0]);
  expect(covers[2]).toMatchObject({ low: 0, end: 9 });
  expect(covers[3]).toBe(covers[2]);
});

test('what a conditional region finds out is forgotten behind it, as is what it may have written', () => {
  const { covers, needless } = plan((b) => {
    b.when(b.get(9), () => {
      b.load8u(b.get(1));
      b.checkAlign(b.get(1), 3);
      b.checkAlign(near(b, 1, 8), 1);
      b.set(b.get(3), 2);
    });
    b.load8u(b.get(1));
    b.checkAlign(b.get(1), 3);
    b.load8u(b.get(2));
    b.load8u(b.get(3));
  });
  expect(covers).toEqual([undefined, undefined, undefined, undefined]);
  expect(needless).toEqual([false, true, false]);
});

test('a callout ends every cover: permissions may have changed', () => {
  const { covers } = plan((b) => {
    b.load8u(b.get(1));
    b.callout(0);
    b.load8u(b.get(1));
  });
  expect(covers).toEqual([undefined, undefined]);
});
