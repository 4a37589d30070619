/**
 * Like Promise.all, but an error is passed on only when all have settled: what one of them still makes would otherwise appear after the
 * clean-up that follows the error.
 */
export async function settleAll<T extends readonly unknown[] | []>(
  values: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(values);
  return Promise.all(values);
}
