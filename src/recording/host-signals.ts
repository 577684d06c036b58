const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * While `work` goes on, the first host signal that would kill us calls `stop` instead, so that the trace gets its end; a
 * second one kills.
 */
export const stopOnHostSignals = async <T>(stop: () => void, work: () => Promise<T>): Promise<T> => {
  const restore = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (): void => {
    restore();
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await work();
  } finally {
    restore();
  }
};
