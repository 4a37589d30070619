import type { DeploymentRow } from "#test/central/support/start-test-central.ts";
import { addRepository, selectDeployments } from "#test/central/support/start-test-central.ts";
import { openForkPullRequest } from "#test/central/approval/held-fork.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import type { Round } from "./operator-calls.ts";
import type { SecureCentral } from "./start-secure-central.ts";

/** What a round's calls need to be there: a repository without a config, a fork's held pull request, and a site with two releases. */
export async function prepareRound(server: SecureCentral, name: string): Promise<Round> {
  await server.addRepository(name);
  const pull = await openForkPullRequest(server.central, `fork-${name}`);
  await eventually(async () => expectState(await selectDeployments(server.central.pool, pull.host), "held"));
  const keptSite = await keepReleases(server, `kept-${name}`);
  const held = { githubOrg: pull.owner, githubRepo: pull.name, pullRequest: String(pull.number), commit: pull.sha };
  return { name, deployment: "0", site: "0", held, keptSite };
}

function expectState(rows: DeploymentRow[], state: string): void {
  if (rows.at(-1)?.state !== state) throw new Error(`not ${state}: ${rows.at(-1)?.state}`);
}

async function keepReleases({ central }: SecureCentral, name: string): Promise<string> {
  await addRepository(central, name);
  const first = await findBuild(central.worker.builds, `${name}.one.test`, 0n);
  await reportSuccess(central.worker.client, first);
  await central.forge.pushFiles({ owner: "acme", name, branch: "main", files: { "index.html": "two" } });
  await reportSuccess(central.worker.client, await findBuild(central.worker.builds, `${name}.one.test`, first.generation));
  return String(first.siteId);
}

/** The build that the worker was asked for at a host, of a generation over `after`. */
export async function findBuild(builds: readonly BuildRequest[], host: string, after: bigint): Promise<BuildRequest> {
  return eventually(() => {
    const found = builds.findLast((one) => one.host === host && one.generation > after);
    if (found === undefined) throw new Error(`no build of ${host} over ${after}`);
    return found;
  });
}

export async function reportSuccess(client: SecureCentral["central"]["worker"]["client"], build: BuildRequest): Promise<void> {
  const { siteId, generation, deploymentId, url } = build;
  const release = `${generation}-${build.commit.slice(0, 8)}`;
  const state = DeploymentState.SUCCEEDED;
  await client.reportStatus({ siteId, generation, deploymentId, state, url, release, releaseFiles: 1n, releaseBytes: 3n });
}
