import { createToken } from "#central/operator/tokens.ts";
import { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import { Outcome, type BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { startTestCentral } from "#test/central/support/start-test-central.ts";

export type BuildingCentral = Awaited<ReturnType<typeof startBuildingCentral>>;

/**
 * Central with repositories and a worker that builds without a container: six lines of log, then what the repository's name says: `broken` fails,
 * `endless` goes on until it is canceled, any other succeeds. A release that is named is made live without a log.
 */
export async function startBuildingCentral() {
  const central = await startTestCentral();
  const { worker } = central;
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function build(request: BuildRequest): Promise<void> {
    const { siteId, generation, deploymentId, url } = request;
    const ids = { siteId, generation, deploymentId };
    if (request.release === "") {
      await worker.client.reportStatus({ ...ids, state: DeploymentState.CLONING, firstLogLine: 1n, logLines: ["one", "two"] });
      const logLines = ["three", "four", "five", "six"];
      await worker.client.reportStatus({ ...ids, state: DeploymentState.BUILDING, firstLogLine: 3n, logLines });
    }
    if (request.repository.endsWith("/broken")) {
      const failure = { stage: Stage.BUILD, reason: "command_failed", message: "npm run build ended with 1\nsee above" };
      await worker.client.reportStatus({ ...ids, state: DeploymentState.FAILED, failure });
      return;
    }
    while (request.repository.endsWith("/endless") && !stopping.signal.aborted) {
      const { cancel } = await worker.client.reportStatus({ ...ids, state: DeploymentState.BUILDING });
      if (cancel) {
        await worker.client.reportStatus({ ...ids, state: DeploymentState.CANCELED });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const release = request.release || `${generation}-${request.commit.slice(0, 8)}`;
    const state = DeploymentState.SUCCEEDED;
    await worker.client.reportStatus({ ...ids, state, url, release, releaseFiles: 1n, releaseBytes: 3n });
  }

  worker.behaviour.build = async (request) => {
    const one = build(request)
      .catch(() => undefined)
      .finally(() => running.delete(one));
    running.add(one);
    return Outcome.ACCEPTED;
  };
  worker.behaviour.cleanup = async ({ siteId, generation }) => {
    setTimeout(() => void worker.client.reportStatus({ siteId, generation, siteRemoved: true }).catch(() => undefined), 50);
    return Outcome.ACCEPTED;
  };
  return {
    central,
    token: await createToken(central.pool, { name: "operator", scope: "write" }),
    readToken: await createToken(central.pool, { name: "reader", scope: "read" }),
    /** A repository that the App sees. */
    async addRepository(name: string) {
      await central.forge.createRepository({ owner: "acme", name, files: { "index.html": name } });
      await central.forge.installApp({ owner: "acme", name });
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
      await central.stop();
    },
  };
}
