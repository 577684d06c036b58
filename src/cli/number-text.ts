/** `26,690` */
export const groupDigits = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 20 });

/** `1 thread`, `26,690 instructions` */
export const counted = (count: number, noun: string): string =>
  `${groupDigits(count)} ${noun}${count === 1 ? '' : 's'}`;
