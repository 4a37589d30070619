import { afterAll, beforeAll, expect, test } from "vitest";
import { createReleasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { startTelemetry } from "#common/telemetry/start-telemetry.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createLogCollector } from "#test/common/rpc/log-collector.ts";

const releasers = createReleasers(createLogger({ name: "test", level: "silent" }));
beforeAll(async () => startTelemetry({ service: "test", endpoint: undefined, releasers }));
afterAll(async () => releasers.runAll());

/** A server that logs a line for each call and passes it on to the next server, if there is one. */
async function startLogging(next?: string) {
  const { log, lines } = createLogCollector();
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: "off",
    routes(router) {
      router.service(OperatorService, {
        async listEnvironments() {
          if (next !== undefined) await connect(next).listEnvironments({});
          log.info("answered");
          return {};
        },
      });
    },
    tokens: async () => ({ name: "reader", scope: "read" }),
    log,
  });
  releasers.push("server", async () => server.stop(0));
  return { url: server.url, traces: () => lines().map((line) => line["trace_id"]) };
}

function connect(url: string) {
  const client = createServiceClient(OperatorService, { url, interceptors: [createBearerInterceptor("cat_any")] });
  releasers.push("client", () => client.close());
  return client;
}

test("without an exporter too, the log lines of both sides name the trace of the caller, or one of their own", async () => {
  const worker = await startLogging();
  const central = await startLogging(worker.url);
  // As a caller that is none of ours calls.
  async function call(headers: Record<string, string>): Promise<void> {
    const response = await fetch(`${central.url}/catapult.v1.OperatorService/ListEnvironments`, {
      method: "POST",
      headers: { authorization: "Bearer cat_any", "content-type": "application/json", ...headers },
      body: "{}",
    });
    expect(await response.json()).toEqual({});
  }
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  await call({ traceparent: `00-${traceId}-b7ad6b7169203331-01` });
  await call({});
  await call({ traceparent: "00-no-trace-01" });
  const traces = central.traces();
  expect(worker.traces()).toEqual(traces);
  expect(traces).toEqual([traceId, expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{32}$/)]);
  expect(new Set(traces).size).toBe(3);
});
