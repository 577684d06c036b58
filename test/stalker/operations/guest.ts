/** The guest of the property test: four threads in the same code, each with a call tree of its own. */
import { Word } from '../../../src/guest/cpu-state.js';
import { CPU_STATE, CPU_STATE_BYTES } from '../../../src/guest/layout.js';
import { GuestMemory, Permission } from '../../../src/guest/memory.js';
import { ExitReason } from '../../../src/ir/terminal.js';
import { Stalker } from '../../../src/stalker/stalker.js';
import type { TierOptions } from '../../../src/stalker/tiering.js';
import { assemble, BASE, STACK_TOP, STOP } from '../guest-code.js';

export const THREADS = [1, 2, 3, 4] as const;
const ITERATIONS = 60;
const STACK_BYTES = 0x1_0000;
const FUNCTIONS = 8;

// Direct and indirect, conditional, interworking and tail calls, a recursion, loops (one of a single instruction); a system call in every round, with
// one instruction after it in its block.
const SOURCE = `
.arm
worker: push {r4, r5, r6, lr}
        mov r4, r0
        mov r5, #${ITERATIONS}
1:      mov r0, r4
        bl choose
        mov r4, r0
        svc 0
        b 2f
2:      subs r5, r5, #1
        bne 1b
        mov r0, r4
        pop {r4, r5, r6, pc}
choose: push {r4, lr}
        ldr r1, =1664525
        ldr r2, =1013904223
        mla r0, r0, r1, r2
        mov r4, r0
        lsr r1, r0, #29
        adr r2, table
        ldr r2, [r2, r1, lsl #2]
        blx r2
        eor r0, r4, r0, ror #3
        pop {r4, pc}
.ltorg
table:  .word f0, f1, f2, f3, f4, f5, f6, f7
f0:     push {r4, lr}
        tst r0, #16
        blne f4
        bl f5
        pop {r4, pc}
.thumb
.thumb_func
f1:     push {r4, lr}
        movs r4, #3
1:      bl f6
        subs r4, #1
        bne 1b
        pop {r4, pc}
.thumb_func
f6:     adds r0, #5
        bx lr
.balign 4
.arm
f2:     push {r4, lr}
        blx f1
        ldr r3, =f5
        blx r3
        pop {r4, pc}
f3:     push {r4, lr}
        mov r4, r0
        ands r1, r0, #3
        beq 1f
        sub r0, r0, #1
        bl f3
1:      add r0, r0, r4, lsl #1
        pop {r4, pc}
f4:     add r0, r0, #7
        bx lr
f5:     push {r4, lr}
        bl f4
        pop {r4, lr}
        b f7
.ltorg
f7:     adr r2, hops
1:      ldr pc, [r2], #4
hops:   .word 1b, 1b, 2f
2:      mov r1, #2
1:      add r0, r0, r0, lsl #1
        subs r1, r1, #1
        bne 1b
        mov pc, lr
`;

/** One memory serves all guests: each reserves 4 GiB of address space. */
let memory: GuestMemory | undefined;

const freshMemory = (): GuestMemory => {
  memory ??= new GuestMemory();
  memory.codeWatcher = undefined;
  memory.u8.fill(0, CPU_STATE, CPU_STATE + CPU_STATE_BYTES);
  memory.setPermissions(BASE, 0x2_0000, Permission.READ | Permission.WRITE | Permission.EXECUTE);
  memory.setPermissions(STACK_TOP - 4 * STACK_BYTES, 4 * STACK_BYTES, Permission.READ | Permission.WRITE);
  memory.poke(BASE, assemble(SOURCE));
  memory.poke(STOP, Uint8Array.of(0, 0, 0, 0xef));
  return memory;
};

export class Guest {
  readonly stalker: Stalker;
  readonly results = new Map<number, number>();
  private readonly saved = new Map<number, Int32Array>();
  private readonly clocks = new Map<number, number>();
  private live = 0;
  private switchedAt = 0;
  private isRunning = false;

  constructor(tier: TierOptions) {
    this.stalker = new Stalker(freshMemory(), tier);
    this.stalker.threadWords = (tid) => this.saved.get(tid);
    for (const tid of THREADS) {
      const words = new Int32Array(Word.THREAD_END);
      words[0] = Math.imul(tid, 0x1234_5677);
      words[Word.SP] = STACK_TOP - (tid - 1) * STACK_BYTES;
      words[Word.LR] = STOP;
      words[Word.PC] = BASE;
      this.saved.set(tid, words);
      this.clocks.set(tid, 0);
      this.stalker.addThread(tid);
    }
  }

  /** Instructions a thread has retired; in a callback inside a block, at the block's end. */
  clockOf(tid: number): number {
    const before = this.clocks.get(tid) as number;
    return tid === this.live ? before + this.stalker.clock - this.switchedAt : before;
  }

  /** Whether the engine runs a thread; not while that one's requests are served. */
  get isInside(): boolean {
    return this.isRunning;
  }

  /** Serves a request of the live thread, and delivers what that records before the thread goes on. */
  serve(request: () => void): void {
    const { isRunning } = this;
    this.isRunning = false;
    try {
      request();
      if (isRunning) this.stalker.drain();
    } finally {
      this.isRunning = isRunning;
    }
  }

  get unfinished(): number[] {
    return THREADS.filter((tid) => !this.results.has(tid));
  }

  /** Up to `fuel` instructions, a block more, of one thread; less when it makes a system call. */
  run(tid: number, fuel: number): void {
    const { stalker } = this;
    const { words } = stalker.machine;
    stalker.switchTo(tid);
    this.live = tid;
    this.switchedAt = stalker.clock;
    words.set(this.saved.get(tid) as Int32Array);
    this.isRunning = true;
    const reason = stalker.run(fuel);
    this.isRunning = false;
    if (reason !== ExitReason.SVC && reason !== ExitReason.YIELD) throw new Error(`thread ${tid} stopped: ${reason}`);
    this.clocks.set(tid, this.clockOf(tid));
    this.live = 0;
    this.saved.set(tid, words.slice(0, Word.THREAD_END));
    stalker.drain();
    if (words[Word.PC] === STOP + 4) this.results.set(tid, (words[0] as number) >>> 0);
  }
}

/** The guest's code, where it is in memory. */
export const guestCode = (): DataView => (memory ?? freshMemory()).view;

/** Entries of f0 to f7: their addresses as the guest calls them. */
export const functionEntries = (): number[] => {
  const code = freshMemory();
  const table = assemble(SOURCE).findIndex((_, at) => isTable(code, BASE + at));
  return Array.from({ length: FUNCTIONS }, (_, n) => code.view.getUint32(BASE + table + 4 * n, true));
};

/** The table is the first place that holds the address right behind itself. */
const isTable = (code: GuestMemory, at: number): boolean =>
  at % 4 === 0 && code.view.getUint32(at, true) === at + 4 * FUNCTIONS;
