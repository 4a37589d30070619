import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceImpl } from "@connectrpc/connect";
import { createLogger } from "#common/logger.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";

/** The real server and guard over TLS, with answers of the test's own, and a network before it that breaks when told to. */
export async function startStubCentral(service: Partial<ServiceImpl<typeof OperatorService>>) {
  const folder = await mkdtemp(join(tmpdir(), "catapult-stub-"));
  const files = await createCertificates({ directory: folder, hosts: ["127.0.0.1"] });
  const tokens: string[] = [];
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: { cert: await readFile(files.certFile, "utf8"), key: await readFile(files.keyFile, "utf8") },
    routes: (router) => router.service(OperatorService, service),
    tokens: async (bearer) => {
      tokens.push(bearer);
      return bearer.startsWith("cat_") ? { name: "test", scope: "write" } : undefined;
    },
    log: createLogger({ name: "test", level: "silent" }),
  });
  const proxy = await startTcpProxy({ target: { host: "127.0.0.1", port: server.port } });
  return {
    url: server.url,
    proxy,
    proxyUrl: `https://127.0.0.1:${proxy.port}`,
    ca: await readFile(files.caFile, "utf8"),
    /** The token of each call that arrived. */
    tokens,
    async stop() {
      await proxy.stop();
      await server.stop(0);
      await rm(folder, { recursive: true });
    },
  };
}
