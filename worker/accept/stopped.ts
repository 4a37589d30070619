export type StopReason = "superseded" | "removed" | "canceled" | "lease_lost" | "shutdown";

/** Work was ended from outside. It is the reason of the run's AbortSignal. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly why: StopReason;

  constructor(why: StopReason, message: string) {
    super(message);
    this.why = why;
  }
}
