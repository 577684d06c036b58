/** The same without the fields that are undefined, for receivers that tell absent from undefined. */
export const withoutUndefined = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
