/** The wait ended before what was waited for. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
  readonly milliseconds: number;

  constructor(milliseconds: number, attempt: string) {
    super(`Gave up after ${milliseconds} ms: ${attempt}`);
    this.milliseconds = milliseconds;
  }
}

/**
 * Bounds a wait. dockerode's calls never settle when the service dies in the middle of one, so no call is awaited without this.
 * The call itself goes on; only the wait ends.
 */
export async function withDeadline<T>(milliseconds: number, attempt: string, wait: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(milliseconds, attempt)), milliseconds);
  });
  try {
    return await Promise.race([wait, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
