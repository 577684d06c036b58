/** The catalogue's blocks: across a system call, a million instructions long, with every register in use, left by a jump. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import { TID } from '../guest-code.js';
import { H, inEveryTier } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const ALL = CALL | RET | EXEC | BLOCK | COMPILE;

describe('blocks', () => {
  test('follow_syscall', () => {
    const code = 'mov r7, #162\n svc #0\n mov r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL | RET }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual(['exec f+0', 'exec f+4', 'exec f+8', 'exec f+12', 'ret f+12 h+32 0']);
    });
  });

  test('big_block', () => {
    const [at, nop, ret] = [0x10_0000, 0xe320_f000, 0xe1a0_f00e];
    const big = new Uint32Array(1_000_001).fill(nop);
    big[1_000_000] = ret;
    const code = `push {r4, lr}\n ldr r3, =${at}\n blx r3\n mov r0, #2\n pop {r4, pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: BLOCK }, (harness) => {
      harness.memory.setPermissions(at, 0x40_0000, 7);
      harness.memory.poke(at, new Uint8Array(big.buffer));
      expect(harness.run()).toBe(2);
      const inBig = harness.sink.events.filter(({ location }) => location >= at && location < at + big.byteLength);
      expect(inBig).toHaveLength(Math.ceil(big.length / 512));
    });
  });

  test('no_register_clobber', () => {
    const numbers = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12];
    const code = `push {r4-r11, lr}
      ${numbers.map((n) => `mov r${n}, #${n}`).join('\n')}
      bl leaf
      ${numbers.map((n) => `cmp r${n}, #${n}\n bne bad`).join('\n')}
      mov r0, #2\n pop {r4-r11, pc}
      bad: mov r0, #1\n pop {r4-r11, pc}\n leaf: b 1f\n 1: bx lr`;
    inEveryTier({ isa: 'arm', code, events: ALL }, (harness) => expect(harness.run()).toBe(2));
  });

  test('exceptions: a throw out of an excluded function leaves the program right and the thread followed', () => {
    const code = `push {r4, r5, lr}\n mov r5, sp\n bl thrower\n udf #0
                  catch: mov r0, #2\n bl leaf\n pop {r4, r5, pc}\n leaf: bx lr
                  thrower: push {r4, lr}\n mov sp, r5\n ldr r3, =catch\n sub sp, sp, #0\n bx r3\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: CALL, excluded: [[32, 56]] }, (harness) => {
      expect(harness.run()).toBe(2);
      // The catch runs at the sp of the call, so tracing resumes where sp rises above it: in the harness.
      expect(harness.events).toEqual(['call h+28 f+0 0', 'call f+8 f+32 1', 'call h+48 0xfffef010 1']);
      expect(harness.stalker.isFollowing(TID)).toBe(false);
    });
  });
});

test('the harness itself', () => {
  expect(H % 4).toBe(0);
});
