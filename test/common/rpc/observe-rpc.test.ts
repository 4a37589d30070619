import { setTimeout as sleep } from "node:timers/promises";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test, onTestFinished } from "vitest";
import { createRegistry } from "#common/metrics/create-registry.ts";
import { observeRpcs } from "#common/metrics/observe-rpcs.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import type { RpcObserver } from "#common/rpc/observe-rpc.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { OperatorService, type WatchDeploymentRequest } from "#gen/catapult/v1/operator_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { createLogCollector } from "./log-collector.ts";

const method = "/catapult.v1.OperatorService/WatchDeployment";

let goOn: () => void;
/** Deployment 1 ends well, 2 breaks, 3 is not there, 4 goes on until nobody looks, 5 has nothing more to say. */
async function* watchDeployment({ id }: WatchDeploymentRequest, { signal }: HandlerContext) {
  if (id === 3n) throw reasonError(Code.NotFound, "deployment_not_found", "there is no deployment 3");
  const isSeen = new Promise<void>((resolve) => (goOn = resolve));
  yield { deployment: { id } };
  if (id < 3n) await isSeen;
  if (id === 2n) throw new Error("a fault of ours");
  if (id === 4n) {
    while (!signal.aborted) {
      await sleep(5);
      yield {};
    }
  }
  if (id === 5n) await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

async function startObserved(httpVersion: "1.1" | "2") {
  const heard: Parameters<RpcObserver>[0][] = [];
  const registry = createRegistry();
  const count = observeRpcs(registry);
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: "off",
    routes: (router) => router.service(OperatorService, { watchDeployment }),
    tokens: async () => ({ name: "test", scope: "read" }),
    observe(rpc) {
      heard.push(rpc);
      count(rpc);
    },
    log: createLogCollector().log,
  });
  onTestFinished(() => server.stop(0));
  const interceptors = [createBearerInterceptor("cat_x")];
  const transport = createConnectTransport({ httpVersion, baseUrl: server.url, interceptors });
  const client = createClient(OperatorService, transport);
  /** How many had been heard of when its first message came. */
  const watch = async (id: bigint, leaves: boolean): Promise<number> => {
    const attempt = new AbortController();
    let before = heard.length;
    try {
      for await (const _ of client.watchDeployment({ id }, { signal: attempt.signal })) {
        before = heard.length;
        if (leaves) attempt.abort();
        else goOn();
      }
    } catch {
      // Of interest is what the server makes of it.
    }
    return before;
  };
  return { heard, registry, watch };
}

test.each(["1.1", "2"] as const)(
  "a stream over HTTP/%s counts once, when it ends, by what it ended with",
  async (httpVersion) => {
    const { heard, registry, watch } = await startObserved(httpVersion);
    const codes: (string | undefined)[] = [];
    for (const [id, leaves] of [
      [1n, false],
      [2n, false],
      [3n, false],
      [4n, true],
      [5n, true],
    ] as const) {
      expect(await watch(id, leaves)).toBe(codes.length);
      await eventually(() => expect(heard).toHaveLength(codes.length + 1));
      const { code } = heard.at(-1)!;
      codes.push(code === undefined ? undefined : Code[code]);
    }
    expect(codes).toEqual([undefined, "Internal", "NotFound", "Canceled", "Canceled"]);
    const text = await registry.metrics();
    for (const line of [`code="ok"} 1`, `code="internal"} 1`, `code="canceled"} 2`]) {
      expect(text).toContain(`catapult_rpcs_total{method="${method}",${line}\n`);
    }
  },
);
