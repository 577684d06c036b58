/**
 * A fault in every load and store of a function while it runs as hot code: pc, registers, flags, fuel, clock and events
 * are those of the cold tier, at the fault and after the page came back.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { PAGE_SIZE } from '../../src/guest/layout.js';
import { Permission } from '../../src/guest/memory.js';
import { ExitReason } from '../../src/ir/terminal.js';
import type { Profile } from '../../src/stalker/options.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { BASE, GuestCode, STACK_TOP, STOP } from '../stalker/guest-code.js';
import { compilers, hasCompiler } from '../support/toolchain.js';

const ALL_EVENTS = 31;
const DATA = 0x20_0000;
const READ_WRITE = Permission.READ | Permission.WRITE;

/** One access each, in a page of its own; r5 points to it. What crosses into the page before counts for both. */
const ACCESSES = [
  'ldr r0, [r5]',
  'str r7, [r5, #4]',
  'ldrb r0, [r5, #3]',
  'strb r7, [r5, #3]',
  'ldrh r0, [r5, #2]',
  'strh r7, [r5, #2]',
  'ldrsb r0, [r5, #5]',
  'ldrsh r0, [r5, #6]',
  'ldrd r0, r1, [r5, #8]',
  'strd r0, r1, [r5, #16]',
  'ldmia r5, {r0-r3}',
  'ldmia r5!, {r0, r2, r8}',
  'stmia r5, {r0-r3, r7}',
  'stmia r5!, {r0, r7}',
  'ldmdb r5, {r0-r3}',
  'stmdb r5!, {r0, r1, r7}',
  'sub r5, #8\n ldmia r5, {r0-r3}',
  'sub r5, #8\n stmia r5, {r0-r3}',
  'ldr r0, [r5, #16]!',
  'str r7, [r5, #20]!',
  'ldr r0, [r5], #8',
  'strb r7, [r5], #1',
  'sub r5, #2\n ldr r0, [r5]',
  'sub r5, #2\n str r7, [r5]',
  'ldr r0, [r5, r10, lsl #2]',
  'str r7, [r5, r10]',
  'vldr s0, [r5]',
  'vldr d1, [r5, #8]',
  'vstr s0, [r5, #12]',
  'vstr d1, [r5, #16]',
  'vldmia r5!, {d2-d4}',
  'vstmia r5, {s4-s9}',
  'sub r5, #8\n vstmia r5, {d2-d3}',
  'tst r7, #1\n ite ne\n ldrne r0, [r5]\n ldreq r1, [r5, #4]',
  'tst r7, #2\n itte ne\n addne r7, r7, #1\n strne r7, [r5, #8]\n streq r0, [r5, #12]',
  'ldrex r0, [r5]\n strex r1, r7, [r5]',
  'bl inner',
];

/** Every access in turn, three times round, with flags and registers changing in between. */
const FUNCTION = `
  push {r4-r11, lr}
  movw r4, #${DATA & 0xffff}
  movt r4, #${DATA >>> 16}
  mov r6, #3
  mov r7, #1
  mov r10, #4
round:
${ACCESSES.map((access, page) => `  add r5, r4, #${page * PAGE_SIZE}\n  ${access}\n  adds r7, r7, r7, ror #5\n  adcs r9, r7, r6`).join('\n')}
  subs r6, r6, #1
  bne round
  pop {r4-r11, pc}
inner:
  push {r2, lr}
  ldr r2, [r5, #4]
  adds r7, r7, r2
  str r7, [r5, #8]
  pop {r2, pc}
`;

/** What a signal handler and a trace would see. */
const seen = (guest: GuestCode, reason: number) => {
  const w = guest.words;
  const { events } = guest.sink;
  const text = guest.text();
  events.length = 0;
  return {
    reason,
    pc: ((w[Word.PC] as number) >>> 0).toString(16),
    registers: Array.from(w.subarray(0, Word.LAST_EXEC)),
    fault: reason === ExitReason.FAULT ? [w[Word.FAULT_ADDR], w[Word.FAULT_KIND]] : [],
    clock: guest.stalker.clock,
    fuel: w[Word.FUEL],
    depth: guest.stalker.depth,
    events: text,
  };
};

class Subject {
  readonly guest: GuestCode;
  private readonly pages: number;

  constructor(source: string, pages: number, thumb: boolean, profile: Profile, tier: TierOptions) {
    this.guest = new GuestCode(source, { thumb, profile, events: ALL_EVENTS, tier });
    this.pages = pages;
    this.restore();
    this.guest.memory.setPermissions(DATA - PAGE_SIZE, PAGE_SIZE, READ_WRITE);
  }

  /** Calls the function from its beginning; gives the reason it stopped for. */
  start(): number {
    this.begin();
    return this.guest.run();
  }

  /** Takes the data away after `moment` instructions, at the next block, and goes on until that is noticed. */
  faultAt(moment: number): number {
    this.begin();
    const reason = this.guest.stalker.run(moment);
    if (reason !== ExitReason.YIELD) return reason;
    this.protect(0, Permission.NONE);
    return this.guest.run();
  }

  private begin(): void {
    const w = this.guest.words;
    w.fill(0, 0, Word.LAST_EXEC);
    w[Word.SP] = STACK_TOP;
    w[Word.LR] = STOP;
    w[0] = DATA;
    w[Word.PC] = BASE;
    w[Word.THUMB] = this.guest.thumb ? 1 : 0;
    this.fill();
  }

  private fill(): void {
    const { u8 } = this.guest.memory;
    for (let at = 0; at < this.pages * PAGE_SIZE; at += 64) u8[DATA + at] = at >>> 6;
  }

  protect(page: number, permission: number): void {
    this.guest.memory.setPermissions(DATA + page * PAGE_SIZE, PAGE_SIZE, permission);
  }

  restore(): void {
    this.guest.memory.setPermissions(DATA, this.pages * PAGE_SIZE, READ_WRITE);
  }

  get data(): Buffer {
    const { u8 } = this.guest.memory;
    return Buffer.from(u8.subarray(DATA - PAGE_SIZE, DATA + this.pages * PAGE_SIZE));
  }
}

const expectSame = (cold: Subject, hot: Subject, reasons: readonly [number, number], what: string): void => {
  expect(seen(hot.guest, reasons[1]), what).toEqual(seen(cold.guest, reasons[0]));
  expect(hot.data.equals(cold.data), `${what}: memory`).toBe(true);
};

const hotTiers: readonly (readonly [string, TierOptions])[] = [
  ['hot', { tier: 'hot' }],
  ['auto', { tier: 'auto', hotThreshold: 3 }],
];

const states = [false, true].flatMap((thumb) =>
  (['precise', 'gum'] as const).flatMap((profile) =>
    hotTiers.map(([name, tier]) => ({ state: thumb ? 'Thumb' : 'ARM', thumb, profile, name, tier })),
  ),
);

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('a fault in the middle of hot code', () => {
  it.each(states)('is precise for every kind of access ($state, $profile, $name)', ({ thumb, profile, tier }) => {
    const source = FUNCTION;
    const subjects = [{ tier: 'cold' } as const, tier].map(
      (options) => new Subject(source, ACCESSES.length, thumb, profile, options),
    );
    const [cold, hot] = subjects as [Subject, Subject];
    const both = (run: (subject: Subject) => number): [number, number] => [run(cold), run(hot)];
    for (let n = 0; n < 8; n++)
      expectSame(
        cold,
        hot,
        both((s) => s.start()),
        `clean run ${n}`,
      );
    expect(hot.guest.stalker.stats.hot.functions).toBeGreaterThan(0);
    const dispatches = hot.guest.stalker.stats.dispatches;
    expectSame(
      cold,
      hot,
      both((s) => s.start()),
      'last clean run',
    );
    expect(hot.guest.stalker.stats.dispatches - dispatches, 'the whole run is hot').toBeLessThan(4);
    for (let page = 0; page < ACCESSES.length; page++) {
      for (const permission of [Permission.NONE, Permission.READ]) {
        const what = `${ACCESSES[page]}, page permission ${permission}`;
        for (const subject of subjects) subject.protect(page, permission);
        const reasons = both((s) => s.start());
        if (permission === Permission.NONE) expect(reasons[0], what).toBe(ExitReason.FAULT);
        expectSame(cold, hot, reasons, what);
        for (const subject of subjects) subject.restore();
        expectSame(
          cold,
          hot,
          both((s) => (reasons[0] === ExitReason.FAULT ? s.guest.run() : s.start())),
          `after ${what}`,
        );
      }
    }
  });
});

const SORT = `
struct item { int key; double weight; short tag; };
static int compare(const struct item *a, const struct item *b) { return a->key < b->key ? -1 : a->key > b->key; }
static void sift(struct item *v, int from, int n, int (*order)(const struct item *, const struct item *)) {
  for (int child; (child = 2 * from + 1) < n; from = child) {
    if (child + 1 < n && order(&v[child], &v[child + 1]) < 0) child++;
    if (order(&v[from], &v[child]) >= 0) return;
    struct item t = v[from]; v[from] = v[child]; v[child] = t;
  }
}
__attribute__((section(".text.start"))) int start(struct item *v) {
  int n = 24; unsigned seed = 7; double sum = 0;
  for (int i = 0; i < n; i++) { v[i].key = (seed = seed * 1664525u + 1013904223u) >> 8; v[i].weight = v[i].key * 0.5; v[i].tag = i; }
  for (int i = n / 2; i-- > 0;) sift(v, i, n, compare);
  for (int i = n; i-- > 1;) { struct item t = v[0]; v[0] = v[i]; v[i] = t; sift(v, 0, i, compare); }
  for (int i = 0; i < n; i++) sum += v[i].weight * v[i].tag;
  return (int)sum;
}
`;

/** Assembly of a C program whose first function comes first. */
const assemblyOf = (source: string, flags: readonly string[]): string => {
  const options = [
    '-S',
    '-O2',
    '-fno-toplevel-reorder',
    '-fno-builtin',
    '-fno-pic',
    ...flags,
    '-x',
    'c',
    '-',
    '-o',
    '-',
  ];
  const run = spawnSync(compilers.hard, options, { input: source, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return `b start\n${run.stdout.replaceAll('.text.start', '.text')}`;
};

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('a fault at any moment of a compiled function', () => {
  it.each([
    ['-marm', false],
    ['-mthumb', true],
  ] as const)('is precise (%s)', (flag, thumb) => {
    const source = assemblyOf(SORT, [flag]);
    const subjects = [{ tier: 'cold' } as const, { tier: 'hot' } as const].map(
      (tier) => new Subject(source, 1, thumb, 'precise', tier),
    );
    const [cold, hot] = subjects as [Subject, Subject];
    for (let n = 0; n < 4; n++) expectSame(cold, hot, [cold.start(), hot.start()], `clean run ${n}`);
    const before = cold.guest.stalker.clock;
    cold.start();
    const length = cold.guest.stalker.clock - before;
    hot.start();
    expect(length).toBeGreaterThan(2000);
    for (let moment = 1; moment < length; moment += 23) {
      const reasons = subjects.map((subject) => subject.faultAt(moment));
      expectSame(cold, hot, reasons as [number, number], `fault after ${moment} instructions`);
      for (const subject of subjects) subject.restore();
      expectSame(cold, hot, [cold.guest.run(), hot.guest.run()], `after the fault at ${moment}`);
    }
  });
});
