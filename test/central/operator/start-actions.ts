import { ConnectError } from "@connectrpc/connect";
import { createToken } from "#central/operator/tokens.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { readReason } from "#common/rpc/reason-error.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { startTestCentral } from "#test/central/support/start-test-central.ts";
import type { FakeWorker } from "#test/central/support/start-fake-worker.ts";
import { eventually } from "#test/support/eventually.ts";

export type Actions = Awaited<ReturnType<typeof startActions>>;

/** A Central with a fake worker, an operator's clients, and what a test does to both. */
export async function startActions() {
  const central = await startTestCentral();
  const clients: { close(): void }[] = [];
  const connect = async (name: string, o: { scope?: "read" | "write"; environment?: string } = {}) => {
    const { scope = "write", environment } = o;
    const token = await createToken(central.pool, { name, scope, environment });
    const client = createServiceClient(OperatorService, {
      url: central.url,
      interceptors: [createBearerInterceptor(token)],
      retries: 0,
    });
    clients.push(client);
    return client;
  };
  return {
    central,
    connect,
    operator: await connect("operator"),
    /** The newest build that the worker was asked for at a host, of a generation over `after`. */
    build: async (host: string, after = 0n, worker: FakeWorker = central.worker) =>
      eventually(() => {
        const found = worker.builds.findLast((one) => one.host === host && one.generation > after);
        if (found === undefined) throw new Error(`no build of ${host} over ${after}`);
        return found;
      }),
    cleanup: async (siteId: bigint) =>
      eventually(() => {
        const found = central.worker.cleanups.findLast((one) => one.siteId === siteId);
        if (found === undefined) throw new Error(`no removal of ${siteId}`);
        return found;
      }),
    report: async (build: BuildRequest, state: DeploymentState, more: object = {}, worker: FakeWorker = central.worker) =>
      worker.client.reportStatus({
        siteId: build.siteId,
        generation: build.generation,
        deploymentId: build.deploymentId,
        state,
        url: build.url,
        ...more,
      }),
    succeed: async (build: BuildRequest, worker: FakeWorker = central.worker) =>
      worker.client.reportStatus({
        siteId: build.siteId,
        generation: build.generation,
        deploymentId: build.deploymentId,
        state: DeploymentState.SUCCEEDED,
        url: build.url,
        release: build.release || releaseOf(build),
        releaseFiles: 1n,
        releaseBytes: 3n,
      }),
    push: async (name: string, text: string, branch = "main") =>
      (await central.forge.pushFiles({ owner: "acme", name, branch, files: { "index.html": text } })).sha,
    async stop() {
      for (const client of clients) client.close();
      await central.stop();
    },
  };
}

export function releaseOf(build: { generation: bigint; commit: string }): string {
  return `${build.generation}-${build.commit.slice(0, 8)}`;
}

/** The stable reason of a call that is refused. */
export async function reasonOf(call: Promise<unknown>): Promise<string | undefined> {
  const error = await call.then(
    () => {
      throw new Error("the call was not refused");
    },
    (caught: unknown) => ConnectError.from(caught),
  );
  return readReason(error) ?? error.message;
}
