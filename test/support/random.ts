/** A small seeded generator (xorshift32), so that a failing fuzz run can be repeated. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0 || 0x9e37_79b9;
  }

  /** int32, all bits random. */
  word(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return Math.imul(x, 0x2545_f491) ^ (x >>> 15);
  }

  /** 0 .. limit - 1. */
  below(limit: number): number {
    return (this.word() >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** True in `percent` of the calls. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** What a change is judged by: a run that was red is red again. */
const USUAL_SEED = 20_261_126;

/** ARMSTALK_SEED: a number, `random` for a fresh one, or `usual`, as without it. Printed, so that the run can be repeated. */
export const fuzzSeed = (what: string): number => {
  const given = process.env.ARMSTALK_SEED ?? 'usual';
  const seed = given === 'usual' ? USUAL_SEED : given === 'random' ? Date.now() % 0x7fff_ffff : Number(given);
  console.log(`${what}: ARMSTALK_SEED=${seed}`);
  return seed;
};
