import { expect, test } from "vitest";
import { createWorkerMetrics } from "#worker/metrics/create-worker-metrics.ts";

test("a worker's figures are read when they are asked for", async () => {
  const figures = {
    slots: 2,
    running: () => running,
    isolation: () => isolation,
    disk: { freeBytes: 5, totalBytes: 9, evictedPreviews: 0 },
    routeRepairs: { count: 0 },
  };
  let running = 0;
  let isolation: { reason: string; running: boolean } | undefined;
  const { registry, observeRpc } = createWorkerMetrics(figures);
  expect(await registry.metrics()).toContain("catapult_isolation_proven 1");
  running = 2;
  isolation = { reason: "memory", running: false };
  figures.disk.evictedPreviews = 3;
  figures.routeRepairs.count = 4;
  observeRpc({ method: "/catapult.v1.WorkerService/Build", code: undefined, ms: 20 });
  const text = await registry.metrics();
  for (const line of [
    "catapult_work_running 2",
    "catapult_build_slots 2",
    "catapult_isolation_proven 0",
    "catapult_disk_free_bytes 5",
    "catapult_disk_total_bytes 9",
    "catapult_evicted_previews 3",
    "catapult_route_repairs 4",
    'catapult_rpcs_total{method="/catapult.v1.WorkerService/Build",code="ok"} 1',
  ])
    expect(text).toContain(`${line}\n`);
});
