/**
 * Does work that is worth only so much time, and that ends when it is aborted: by `signal`, or after `milliseconds`. It fails by the reason
 * of the abort then, whatever words the work ended with.
 */
export async function withinDeadline<T>(
  o: { signal: AbortSignal; milliseconds: number; attempt: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new Error(`Gave up after ${o.milliseconds / 1_000} s: ${o.attempt}`)),
    o.milliseconds,
  );
  const signal = AbortSignal.any([o.signal, deadline.signal]);
  try {
    signal.throwIfAborted();
    return await work(signal);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}
