import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";
import { createRefusal } from "#common/rpc/refusal.ts";
import { WatchDeploymentResponseSchema, type WatchDeploymentResponse } from "#gen/catapult/v1/operator_service_pb.js";
import type { DeploymentFeeds, Feed } from "./create-deployment-feeds.ts";

/** Under the minute after which many proxies take a silent stream for dead. */
export const keepAliveMs = 15_000;

type Watch = { id: bigint; afterLogLine: bigint; token: string; signal: AbortSignal; keepAliveMs?: number };

/**
 * Yields how a deployment stands and its log, until both have ended. The next message is made when the last one was taken, so whoever reads slowly
 * holds up nobody and has one message in memory.
 */
export async function* watchDeployment(o: { feeds: DeploymentFeeds }, watch: Watch): AsyncGenerator<WatchDeploymentResponse> {
  const feed = o.feeds.open(watch.id);
  // Whoever goes away while a message waits to be taken leaves this generator where it is, its `finally` with it.
  const close = () => feed.close();
  watch.signal.addEventListener("abort", close, { once: true });
  try {
    yield* follow(o.feeds, feed, watch);
  } finally {
    watch.signal.removeEventListener("abort", close);
    feed.close();
  }
}

async function* follow(feeds: DeploymentFeeds, feed: Feed, watch: Watch): AsyncGenerator<WatchDeploymentResponse> {
  const silence = watch.keepAliveMs ?? keepAliveMs;
  let position = watch.afterLogLine;
  let told: string | undefined;
  let checkedAt = performance.now();
  for (;;) {
    const { snapshot, version } = await feed.read();
    if (snapshot === undefined) {
      throw reasonError(Code.NotFound, "deployment_not_found", `the deployment ${watch.id} was deleted while it was watched`);
    }
    let isNews = snapshot.digest !== told;
    told = snapshot.digest;
    for (;;) {
      const { first, lines } = await feed.readLines(position, snapshot);
      if (lines.length === 0 && !isNews) break;
      yield create(WatchDeploymentResponseSchema, {
        ...(isNews && { deployment: snapshot.deployment }),
        firstLogLine: first,
        logLines: lines,
      });
      isNews = false;
      if (lines.length > 0) position = first + BigInt(lines.length) - 1n;
      if (watch.signal.aborted) return;
    }
    // Its state and its last line were read by one statement: nothing comes after.
    if (snapshot.ended) return;
    const changed = await feed.wait(version, silence, watch.signal);
    if (watch.signal.aborted) return;
    if (!changed) yield create(WatchDeploymentResponseSchema, {});
    if (performance.now() - checkedAt < silence) continue;
    // A stream may last for hours, and its token may not.
    if (!(await feeds.isTokenValid(watch.token))) throw createRefusal();
    checkedAt = performance.now();
  }
}
