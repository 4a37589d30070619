import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { onTestFinished } from "vitest";
import { createSigningKey } from "#common/rpc/keys.ts";
import { createMemoryNonceStore } from "#common/rpc/nonces.ts";
import type { Caller, HttpHandler, RpcServer, TlsFiles } from "#common/rpc/server.ts";
import { callerKey, startRpcServer } from "#common/rpc/server.ts";
import { centralSignatureHeader } from "#common/rpc/signature-header.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { Outcome, WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import type { LogLine } from "./log-collector.ts";
import { createLogCollector } from "./log-collector.ts";
import { createUnguardedService } from "./unguarded-service.ts";

/** The key that the test server's one worker, `alpha`, verifies Central by. */
export const centralKey = createSigningKey("alpha-c1");
export const unguarded = createUnguardedService();

export type TestServer = RpcServer & {
  ca: string | undefined;
  /** Calls that reached a handler. */
  handled: { rpc: string; caller: Caller | undefined; request: unknown }[];
  lines: () => LogLine[];
  /** The reasons of all refusals so far, in order. */
  refusals: () => unknown[];
  logText: () => string;
};

let certificates: Promise<{ tls: TlsFiles; ca: string }> | undefined;

async function createTls(): Promise<{ tls: TlsFiles; ca: string }> {
  const directory = await mkdtemp(join(tmpdir(), "catapult-certificates-"));
  const files = await createCertificates({ directory, hosts: ["localhost", "127.0.0.1"] });
  const [cert, key, ca] = [files.certFile, files.keyFile, files.caFile].map((file) => readFileSync(file, "utf8"));
  await rm(directory, { recursive: true });
  return { tls: { cert: cert!, key: key! }, ca: ca! };
}

/** A real server on a free port of 127.0.0.1 with WorkerService for `alpha`, OperatorService and a service without guards. Stops with the test. */
export async function startTestServer(
  o: {
    tls?: boolean;
    build?: ServiceImpl<typeof WorkerService>["build"];
    http?: HttpHandler;
    isReady?: () => Promise<boolean>;
    maxMessageBytes?: number;
    clock?: () => Date;
    findKey?: (kid: string) => Promise<{ key: Buffer; caller: string } | undefined>;
  } = {},
): Promise<TestServer> {
  const { log, lines, text } = createLogCollector();
  const handled: TestServer["handled"] = [];
  const withTls = o.tls ?? false;
  const made = withTls ? await (certificates ??= createTls()) : undefined;

  function routes(router: ConnectRouter): void {
    router.service(WorkerService, {
      async build(request, context) {
        handled.push({ rpc: "Build", caller: context.values.get(callerKey), request });
        return o.build === undefined ? { outcome: Outcome.ACCEPTED } : await o.build(request, context);
      },
      cleanup(request, context) {
        handled.push({ rpc: "Cleanup", caller: context.values.get(callerKey), request });
        return { outcome: Outcome.ALREADY_DONE };
      },
    });
    router.service(OperatorService, {
      listEnvironments(request, context) {
        handled.push({ rpc: "ListEnvironments", caller: context.values.get(callerKey), request });
        return {};
      },
      deleteEnvironment(request, context) {
        handled.push({ rpc: "DeleteEnvironment", caller: context.values.get(callerKey), request });
        return {};
      },
    });
    router.rpc(unguarded.method, (request, context) => {
      handled.push({ rpc: "Do", caller: context.values.get(callerKey), request });
      return {};
    });
  }

  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: made?.tls ?? "off",
    routes,
    signatures: {
      header: centralSignatureHeader,
      recipient: "alpha",
      findKey:
        o.findKey ?? ((kid) => Promise.resolve(kid === centralKey.kid ? { key: centralKey.key, caller: "central" } : undefined)),
      nonces: createMemoryNonceStore(),
    },
    tokens: (bearer) =>
      Promise.resolve(
        new Map([
          ["cat_read", { name: "reader", scope: "read" as const }],
          ["cat_write", { name: "writer", scope: "write" as const }],
        ]).get(bearer),
      ),
    ...(o.http === undefined ? {} : { http: o.http }),
    ...(o.isReady === undefined ? {} : { isReady: o.isReady }),
    ...(o.maxMessageBytes === undefined ? {} : { maxMessageBytes: o.maxMessageBytes }),
    ...(o.clock === undefined ? {} : { clock: o.clock }),
    log,
  });
  onTestFinished(() => server.stop(0));
  return {
    ...server,
    ca: made?.ca,
    handled,
    lines,
    refusals: () => lines().flatMap((line) => (line.msg === "refused a caller" ? [line["reason"]] : [])),
    logText: text,
  };
}
