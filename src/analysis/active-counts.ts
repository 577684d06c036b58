/** How many activations of each number are open. */
export class ActiveCounts {
  private counts = new Int32Array(64);

  /** Answers how many there are afterwards. */
  change(number: number, by: 1 | -1): number {
    if (number >= this.counts.length) {
      const grown = new Int32Array(Math.max(number + 1, this.counts.length * 2));
      grown.set(this.counts);
      this.counts = grown;
    }
    const now = (this.counts[number] as number) + by;
    this.counts[number] = now;
    return now;
  }
}
