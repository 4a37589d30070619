/** What the caller typed or set is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The work was tried and did not succeed; the message says what was tried, on what, what came back and what to do. Exit code 1. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** A deployment that was waited for ended without success: exit code 3, so that a script can tell it from a call that failed. */
export class DeploymentEndedError extends CommandError {
  override readonly name = "DeploymentEndedError";
}
