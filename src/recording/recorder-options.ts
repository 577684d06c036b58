/**
 * What changes a run's events besides the things a trace's header has fields for: kept as JSON in the header, so that the run
 * can be repeated and a reader can say why something is missing.
 */
export interface RecorderOptions {
  readonly exclude?: readonly string[] | undefined;
  readonly followFrom?: string | undefined;
  readonly trustThreshold?: number | undefined;
  /** Path of the script. */
  readonly script?: string | undefined;
}

/** The header's text; empty when there is nothing unusual. */
export const recorderOptionsText = ({ exclude, followFrom, trustThreshold, script }: RecorderOptions): string => {
  const unusual = {
    ...((exclude?.length ?? 0) > 0 ? { exclude } : {}),
    ...(followFrom === undefined ? {} : { followFrom }),
    ...(trustThreshold === undefined ? {} : { trustThreshold }),
    ...(script === undefined ? {} : { script }),
  };
  return Object.keys(unusual).length === 0 ? '' : JSON.stringify(unusual);
};

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
};

/** What a header's text says; fields that are not what they should be count as absent. */
export const readRecorderOptions = (text: string): RecorderOptions => {
  const { exclude, followFrom, trustThreshold, script } = parsed(text);
  const isTexts = Array.isArray(exclude) && exclude.every((one) => typeof one === 'string');
  return {
    ...(isTexts ? { exclude: exclude as string[] } : {}),
    ...(typeof followFrom === 'string' ? { followFrom } : {}),
    ...(Number.isInteger(trustThreshold) ? { trustThreshold: trustThreshold as number } : {}),
    ...(typeof script === 'string' ? { script } : {}),
  };
};
