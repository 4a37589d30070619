import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Client } from "@connectrpc/connect";
import type { Pool } from "pg";
import { createWorker } from "#central/operator/create-worker.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { createMemoryNonceStore } from "#common/rpc/nonces.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { centralSignatureHeader, createSigningInterceptor, workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import {
  type BuildRequest,
  type CleanupRequest,
  Outcome,
  WorkerService,
  type WorkerSiteSchema,
} from "#gen/catapult/v1/worker_service_pb.js";
import { log } from "./test-log.ts";

export type FakeWorker = Awaited<ReturnType<typeof startFakeWorker>>;

/** The worker's side of the contract, really signed and verified; what it answers is set by the test. */
export async function startFakeWorker(o: { pool: Pool; secretKey: Buffer; centralUrl: string; id?: string; enabled?: boolean }) {
  const id = o.id ?? "worker-one";
  const builds: BuildRequest[] = [];
  const cleanups: CleanupRequest[] = [];
  const buildSignatures: string[] = [];
  const behaviour = {
    build: async (_request: BuildRequest): Promise<Outcome> => Outcome.ACCEPTED,
    cleanup: async (_request: CleanupRequest): Promise<Outcome> => Outcome.ACCEPTED,
    /** Its disk, by id; undefined: it cannot say. */
    sites: undefined as (() => MessageInitShape<typeof WorkerSiteSchema>[]) | undefined,
  };
  let keys: ReturnType<typeof parseWorkerKeyFile> | undefined;
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: "off",
    routes: (router) => {
      router.service(WorkerService, {
        async build(request, context) {
          builds.push(request);
          buildSignatures.push(context.requestHeader.get(centralSignatureHeader) ?? "");
          return { outcome: await behaviour.build(request) };
        },
        async cleanup(request) {
          cleanups.push(request);
          return { outcome: await behaviour.cleanup(request) };
        },
        listSites(request) {
          if (behaviour.sites === undefined) throw new ConnectError("its disk cannot be read", Code.Unavailable);
          const rest = behaviour.sites().filter((site) => (site.siteId ?? 0n) > request.afterSiteId);
          return { sites: rest.slice(0, request.pageSize), more: rest.length > request.pageSize, freeBytes: 7n, totalBytes: 9n };
        },
      });
    },
    signatures: {
      header: centralSignatureHeader,
      recipient: id,
      findKey: async (kid) => {
        const key = keys?.verify.find((candidate) => candidate.kid === kid);
        return key === undefined ? undefined : { key: key.key, caller: "central" };
      },
      nonces: createMemoryNonceStore(),
    },
    log,
  });
  const { keyFile } = await createWorker(
    o.pool,
    o.secretKey,
    create(WorkerSchema, { id, environment: "one", endpoint: server.url, enabled: o.enabled ?? true }),
  );
  const parsed = parseWorkerKeyFile(keyFile);
  keys = parsed;
  const client: Client<typeof CentralService> & { close(): void } = createServiceClient(CentralService, {
    url: o.centralUrl,
    retries: 0,
    interceptors: [createSigningInterceptor({ header: workerSignatureHeader, recipient: "central", key: () => parsed.sign })],
  });
  return {
    id,
    builds,
    cleanups,
    /** What each of `builds` was signed with. */
    buildSignatures,
    behaviour,
    client,
    url: server.url,
    /** What it signs its reports with. */
    key: parsed.sign,
    async stop() {
      client.close();
      await server.stop();
    },
  };
}
