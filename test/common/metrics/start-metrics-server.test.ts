import { expect, onTestFinished, test } from "vitest";
import { createRegistry, Gauge } from "#common/metrics/create-registry.ts";
import { type MetricsServer, startMetricsServer } from "#common/metrics/start-metrics-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { createLogCollector } from "../rpc/log-collector.ts";

async function start(o: Partial<Parameters<typeof startMetricsServer>[0]> = {}): Promise<MetricsServer> {
  const server = await startMetricsServer({
    listen: { host: "127.0.0.1", port: 0 },
    registry: createRegistry(),
    log: createLogCollector().log,
    ...o,
  });
  onTestFinished(() => server.stop());
  return server;
}

test("/metrics is served with figures brought up to date, and nothing else is", async () => {
  const registry = createRegistry();
  const gauge = new Gauge({ name: "catapult_test", help: "x", registers: [registry] });
  const server = await start({ registry, refresh: async () => gauge.set(42) });
  const response = await fetch(server.url ?? "");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const text = await response.text();
  expect(text).toContain("catapult_test 42");
  expect(text).toContain("process_cpu_seconds_total");
  expect((await fetch((server.url ?? "").replace("/metrics", "/"))).status).toBe(404);
  expect((await fetch(server.url ?? "", { method: "POST" })).status).toBe(404);
});

test("figures that cannot be read do not hide the others", async () => {
  const { log, lines } = createLogCollector();
  const refresh = async () => Promise.reject(new Error("the database is gone"));
  const server = await start({ refresh, log });
  const response = await fetch(server.url ?? "");
  expect(await response.text()).toContain("process_cpu_seconds_total");
  expect(lines().some((line) => line["msg"] === "some figures could not be read")).toBe(true);
});

test("an address that another daemon has is no reason not to start, and is taken once it is free", async () => {
  const first = await start();
  const port = Number(new URL(first.url ?? "").port);
  const second = await start({ listen: { host: "127.0.0.1", port }, retryMs: 20 });
  expect(second.url).toBeUndefined();
  await first.stop();
  await eventually(async () => expect((await fetch(second.url ?? "http://none.invalid")).status).toBe(200));
});
