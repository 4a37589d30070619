/** What the caller typed or set is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The work was tried and did not succeed; the message says what was tried, on what, what came back and what to do. Exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
