/**
 * The guest's random numbers: xoshiro128** (Blackman and Vigna) seeded through splitmix32, so a seed gives the same
 * bytes on every machine. Not for secrets.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e37_79b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      return z ^ (z >>> 15);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** The next 32 bits as u32. */
  nextU32(): number {
    const scaled = Math.imul(this.b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9);
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result >>> 0;
  }

  /** Overwrites all of `target`, four bytes per draw, little-endian. */
  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; at += 4) {
      const word = this.nextU32();
      for (let i = 0; i < 4 && at + i < target.length; i++) target[at + i] = word >>> (8 * i);
    }
  }

  bytes(count: number): Uint8Array {
    const result = new Uint8Array(count);
    this.fill(result);
    return result;
  }
}
