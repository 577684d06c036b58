/** Levenshtein distance. */
const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + Number(a[i - 1] !== b[j - 1]);
      row.push(Math.min(previous[j] + 1, row[j - 1] + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length];
};

/** The candidate a person most likely meant, when one is close enough. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  const ranked = candidates.map((candidate) => ({ candidate, edits: distance(word, candidate) }));
  const best = ranked.sort((a, b) => a.edits - b.edits)[0];
  return best !== undefined && best.edits <= Math.max(1, word.length / 3) ? best.candidate : undefined;
};
