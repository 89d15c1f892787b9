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
