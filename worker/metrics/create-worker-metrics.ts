import { createRegistry, Gauge, type Registry } from "#common/metrics/create-registry.ts";
import { observeRpcs } from "#common/metrics/observe-rpcs.ts";
import type { RpcObserver } from "#common/rpc/observe-rpc.ts";

/** Where the worker's figures stand; each is read when it is asked for. */
export type WorkerFigures = {
  slots: number;
  /** Deployments and removals that run. */
  running: () => number;
  /** Why the proofs of isolation do not hold; undefined: they do. */
  isolation: () => { reason: string; running: boolean } | undefined;
  disk: Readonly<{ freeBytes: number; totalBytes: number; evictedPreviews: number }>;
  routeRepairs: Readonly<{ count: number }>;
};

/** What a worker shows of itself on METRICS_LISTEN. */
export function createWorkerMetrics(figures: WorkerFigures): { registry: Registry; observeRpc: RpcObserver } {
  const registry = createRegistry();
  const show = (name: string, help: string, read: () => number): void => {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    registry.registerMetric(gauge);
  };
  show("catapult_work_running", "Deployments and removals that run", figures.running);
  show("catapult_build_slots", "How many builds may run at once", () => figures.slots);
  show("catapult_isolation_proven", "1: the proofs of isolation hold; 0: no builds are taken", () =>
    figures.isolation() === undefined ? 1 : 0,
  );
  show("catapult_disk_free_bytes", "Free bytes where the releases lie, as last measured", () => figures.disk.freeBytes);
  show("catapult_disk_total_bytes", "Bytes of the file system where the releases lie", () => figures.disk.totalBytes);
  show(
    "catapult_evicted_previews",
    "Previews that were removed to make room, since the start",
    () => figures.disk.evictedPreviews,
  );
  show(
    "catapult_route_repairs",
    "How often Caddy's routes were not as they had been set, and were put right, since the start",
    () => figures.routeRepairs.count,
  );
  return { registry, observeRpc: observeRpcs(registry) };
}
