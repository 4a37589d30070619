import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type Client } from "@connectrpc/connect";
import { DeploymentState } from "../gen/catapult/v1/deployment_pb.js";
import type { Deployment, OperatorService } from "../gen/catapult/v1/operator_service_pb.js";
import { listNetworkCodes } from "./may-repeat.ts";
import { pauseAfter } from "./retry-interceptor.ts";

/** A line of a deployment's log; the first has number 1. */
export type LogLine = { number: bigint; text: string };
/** `deployment` is set at first and whenever something of it changed. */
export type WatchEvent = { deployment: Deployment | undefined; lines: LogLine[] };
export type WatchOptions = {
  /** Only lines with a higher number. */
  afterLogLine?: bigint | undefined;
  signal?: AbortSignal | undefined;
  /** How many connections in a row may fail before it gives up; 10 if not said. */
  retries?: number | undefined;
};

/** Central says something every 15 s; a connection that is silent for three times as long is dead. */
const longestSilenceMs = 45_000;
const defaultRetries = 10;
const final: ReadonlySet<DeploymentState> = new Set([
  DeploymentState.SUCCEEDED,
  DeploymentState.FAILED,
  DeploymentState.CANCELED,
  DeploymentState.SUPERSEDED,
  DeploymentState.LOST,
]);

/** Whether a deployment has ended. */
export function isFinal(state: DeploymentState): boolean {
  return final.has(state);
}

/**
 * Follows a deployment to its end. A connection that breaks is made anew behind the last line that arrived, so that no line is lost or doubled.
 * Leaving the loop ends the call.
 */
export async function* watchDeployment(
  client: Pick<Client<typeof OperatorService>, "watchDeployment">,
  id: bigint,
  o: WatchOptions,
): AsyncGenerator<WatchEvent, void, undefined> {
  let last = o.afterLogLine ?? 0n;
  let failures = 0;
  for (;;) {
    // `break` out of a loop over a stream does not end the call: only its signal does.
    const attempt = new AbortController();
    const signal = o.signal === undefined ? attempt.signal : AbortSignal.any([attempt.signal, o.signal]);
    const silence = setTimeout(() => attempt.abort(silent), longestSilenceMs);
    try {
      for await (const message of client.watchDeployment({ id, afterLogLine: last }, { signal })) {
        silence.refresh();
        failures = 0;
        const lines: LogLine[] = [];
        for (const [index, text] of message.logLines.entries()) {
          const number = message.firstLogLine + BigInt(index);
          if (number > last) lines.push({ number, text });
        }
        last = lines.at(-1)?.number ?? last;
        if (message.deployment !== undefined || lines.length > 0) yield { deployment: message.deployment, lines };
      }
      return;
    } catch (error) {
      failures += 1;
      const isSilent = attempt.signal.aborted && attempt.signal.reason === silent;
      if (o.signal?.aborted === true || failures > (o.retries ?? defaultRetries) || !(isSilent || isBroken(error))) throw error;
    } finally {
      clearTimeout(silence);
      attempt.abort();
    }
    await sleep(pauseAfter(failures), undefined, o.signal === undefined ? {} : { signal: o.signal });
  }
}

const silent: ConnectError = new ConnectError(`nothing came for ${longestSilenceMs / 1_000} s`, Code.Unavailable);

/** The stream ended for a reason of the way, not of the call. */
function isBroken(error: unknown): boolean {
  if (listNetworkCodes(error).length > 0) return true;
  const { code, rawMessage } = ConnectError.from(error);
  if (code === Code.Unavailable || code === Code.Aborted || code === Code.ResourceExhausted) return true;
  // How connect-node names a body that ended in the middle.
  return (
    (code === Code.Internal || code === Code.InvalidArgument) &&
    /missing EndStreamResponse|premature|protocol error/i.test(rawMessage)
  );
}
