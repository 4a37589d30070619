/** What an answer holds by its contract. */
export function expectAnswer<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Central's answer lacks what it was asked for; is it as new as this command?");
  return value;
}
