import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "#common/logger.ts";
import { reasonError } from "#common/rpc/reason-error.ts";

/**
 * Tells whoever watches that a fault of ours, most often a database that did not answer, is no end: a watch loses nothing by going on later from its
 * last line, and its client takes `internal` for an end.
 */
export async function* askToResume<T>(
  messages: AsyncIterable<T>,
  o: { deploymentId: bigint; signal: AbortSignal; log: Logger },
): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (err) {
    // Once its caller hung up, an error is the echo of that.
    if (err instanceof ConnectError || o.signal.aborted) throw err;
    const deployment = o.deploymentId.toString();
    o.log.error({ err, deployment }, "a watch broke off; its client is asked to resume it");
    const message = `the deployment ${deployment} could not be read: watch again, from the last line`;
    throw reasonError(Code.Unavailable, "unavailable", message, { cause: err });
  }
}
