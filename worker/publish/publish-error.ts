/** The output is not fit to be a release. `reason` is a stable name; the message names the files. */
export class PublishError extends Error {
  override readonly name = "PublishError";
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
