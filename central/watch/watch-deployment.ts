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
  const feed = o.feeds.open(watch.id, watch.token);
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
  const hold = createTokenCheck(feeds, watch.token, silence / 2);
  let position = watch.afterLogLine;
  let told: string | undefined;
  let sentAt = performance.now();
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
      await hold.check();
      yield create(WatchDeploymentResponseSchema, {
        ...(isNews && { deployment: snapshot.deployment }),
        firstLogLine: first,
        logLines: lines,
      });
      sentAt = performance.now();
      isNews = false;
      if (lines.length > 0) position = first + BigInt(lines.length) - 1n;
      if (watch.signal.aborted) return;
    }
    // Its state and its last line were read by one statement: nothing comes after.
    if (snapshot.ended) return;
    const wakeAt = Math.min(sentAt + silence, hold.dueAt());
    await feed.wait(version, Math.max(0, wakeAt - performance.now()), watch.signal);
    if (watch.signal.aborted) return;
    await hold.check();
    // Counted from the last message, not from the last change: of many a change there is nothing to tell.
    if (performance.now() - sentAt < silence) continue;
    yield create(WatchDeploymentResponseSchema, {});
    sentAt = performance.now();
  }
}

/** A stream may last for hours, and its token may not. Asked again twice in a silence, so that a revoked one gets nothing after a whole one. */
function createTokenCheck(feeds: DeploymentFeeds, token: string, everyMs: number): { check(): Promise<void>; dueAt(): number } {
  let checkedAt = performance.now();
  return {
    dueAt: () => checkedAt + everyMs,
    async check() {
      if (performance.now() - checkedAt < everyMs) return;
      if (!(await feeds.isTokenValid(token))) throw createRefusal();
      checkedAt = performance.now();
    },
  };
}
