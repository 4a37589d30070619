/** The commit could not be fetched or read. `reason` is a stable name; the message holds no token. */
export class CloneError extends Error {
  override readonly name = "CloneError";
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
