const ENDING = ['SIGTERM', 'SIGINT'] as const;

/**
 * Calls `work` at each SIGTERM and SIGINT, which then do not end the process; the function that
 * comes back gives them their own effect again. For servers only: `run` leaves signals alone.
 */
export function onEndSignal(work: () => void): () => void {
  for (const signal of ENDING) process.on(signal, work);
  return () => {
    for (const signal of ENDING) process.off(signal, work);
  };
}

/** As Io has it. Without it the runtime prints message and stack, and ends with 1. */
export function onFault(work: (error: unknown, kind: FaultKind) => void): () => void {
  const ofPromise = (error: unknown): void => work(error, 'rejection');
  const ofCallback = (error: unknown): void => work(error, 'exception');
  process.on('unhandledRejection', ofPromise);
  process.on('uncaughtException', ofCallback);
  return () => {
    process.off('unhandledRejection', ofPromise);
    process.off('uncaughtException', ofCallback);
  };
}

type FaultKind = 'rejection' | 'exception';
