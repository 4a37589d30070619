import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectRouter } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.js";
import { reasonError } from "./reason-error.ts";
import { createReadinessCache } from "./readiness-cache.ts";

/** Whether the server can do what it is there for. What it throws counts as no. */
export type IsReady = () => Promise<boolean>;

// Watching needs no token, so that what it costs is bounded: one look at a time, however many watch.
const keepMs = 1_000;
const maxWatchers = 200;

/**
 * Adds grpc.health.v1: the server as a whole (the empty name) and each of its services are SERVING while `isReady` says so. All services of a
 * server are ready together. Once `stopping` aborts, watchers see NOT_SERVING and their streams end.
 */
export function addHealth(
  router: ConnectRouter,
  o: { services: readonly string[]; isReady: IsReady; stopping: AbortSignal; keepMs?: number },
): void {
  const known = new Set(["", ...o.services, Health.typeName]);
  const pauseMs = o.keepMs ?? keepMs;
  const look = createReadinessCache(o.isReady, pauseMs);
  let watchers = 0;

  async function readStatus(): Promise<Status> {
    if (o.stopping.aborted) return Status.NOT_SERVING;
    return (await look()) ? Status.SERVING : Status.NOT_SERVING;
  }

  router.service(Health, {
    async check(request) {
      if (!known.has(request.service)) throw reasonError(Code.NotFound, "service_not_found", "there is no such service here");
      return { status: await readStatus() };
    },
    async list() {
      const status = await readStatus();
      return { statuses: Object.fromEntries([...known].map((service) => [service, { status }])) };
    },
    async *watch(request, context) {
      if (watchers >= maxWatchers) throw reasonError(Code.ResourceExhausted, "too_many_watchers", `${maxWatchers} watch already`);
      watchers += 1;
      // Whoever goes away while a message waits to be taken leaves this generator where it is, its `finally` with it.
      const leave = once(() => (watchers -= 1));
      context.signal.addEventListener("abort", leave, { once: true });
      try {
        const ended = AbortSignal.any([context.signal, o.stopping]);
        let told: Status | undefined;
        for (;;) {
          const status = known.has(request.service) ? await readStatus() : Status.SERVICE_UNKNOWN;
          if (status !== told) yield { status };
          told = status;
          if (ended.aborted) return;
          await sleep(pauseMs, undefined, { signal: ended }).catch(() => undefined);
        }
      } finally {
        leave();
      }
    },
  });
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
