/**
 * What `work` comes to, or `late` at the abort: who may not wait goes, the work goes on, and what
 * it rejects with is nobody's any more.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | 'late'> {
  if (signal.aborted) {
    work.catch(() => undefined);
    return 'late';
  }
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const tooLate = (): void => resolve('late');
  signal.addEventListener('abort', tooLate, { once: true });
  try {
    return await Promise.race([work, late]);
  } finally {
    signal.removeEventListener('abort', tooLate);
  }
}
