import { afterAll, beforeAll, expect, test } from "vitest";
import { addJob } from "#central/jobs/add-job.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { type BuildRequest, Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { dropLaterLooks } from "#test/central/support/drop-later-looks.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "../support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

const idsOf = ({ siteId, generation, deploymentId }: BuildRequest) => ({ siteId, generation, deploymentId });

async function buildOf(host: string, generation: bigint): Promise<BuildRequest> {
  return eventually(() => {
    const build = central.worker.builds.find((one) => one.host === host && one.generation === generation);
    if (build === undefined) throw new Error(`no build of ${host} at generation ${generation}`);
    return build;
  });
}

async function succeed(build: BuildRequest): Promise<void> {
  const release = `${build.generation}-${build.commit.slice(0, 8)}`;
  await central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.SUCCEEDED, url: build.url, release });
}

async function openPullRequest(name: string) {
  const repository = await addRepository(central, name);
  await central.forge.pushFiles({ owner: "acme", name, branch: "change", from: "main", files: { a: name } });
  const { number } = await central.forge.openPullRequest({ owner: "acme", name, title: "x", head: "change", base: "main" });
  const host = `pr-${number}-${name}.one.test`;
  return { configId: repository.configId, number, host, build: await buildOf(host, 1n) };
}

async function siteOf(host: string) {
  const { rows } = await central.pool.query<{ state: string; live: bigint | null; generation: bigint }>(
    "select state, live_deployment as live, generation from sites where host = $1",
    [host],
  );
  return rows[0];
}

async function look(configId: bigint): Promise<void> {
  const client = await central.pool.connect();
  try {
    await addJob(client, { task: "look", configId });
  } finally {
    client.release();
  }
  await eventually(async () => {
    await dropLaterLooks(central.pool);
    const { rows } = await central.pool.query("select from graphile_worker.jobs where task_identifier = 'look'");
    expect(rows).toHaveLength(0);
  });
}

const evicted = (build: BuildRequest) => ({
  siteId: build.siteId,
  generation: build.generation,
  siteRemoved: true,
  evicted: true,
});

test("what a stopping worker hands back is queued again at once, more often than a lost commit would be", async () => {
  const { host } = await openPullRequest("handed");
  for (const generation of [1n, 2n, 3n, 4n]) {
    const build = await buildOf(host, generation);
    await central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.BUILDING });
    await central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.CANCELED, handedBack: true });
  }
  const last = await buildOf(host, 5n);
  await succeed(last);
  const rows = await selectDeployments(central.pool, host);
  expect(rows.map(({ state }) => state)).toEqual([...Array<string>(4).fill("canceled"), "succeeded"]);
  expect(new Set(rows.map(({ commit }) => commit)).size).toBe(1);
});

test("what is handed back late, of a commit that has a newer one, stays superseded", async () => {
  const { host, build } = await openPullRequest("late");
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "late", branch: "change", files: { a: "2" } });
  await buildOf(host, 2n);
  await central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.CANCELED, handedBack: true });
  expect((await selectDeployments(central.pool, host)).map(({ state }) => state)).toEqual(["superseded", "dispatched"]);
  expect((await selectDeployments(central.pool, host)).at(-1)?.commit).toBe(sha);
});

test("a preview that its worker evicted serves nothing, is not deployed again by a look, comes back by a push and goes by a close", async () => {
  const { configId, host, build, number } = await openPullRequest("evicted");
  await succeed(build);
  for (let times = 0; times < 2; times += 1) await central.worker.client.reportStatus(evicted(build));
  expect(await siteOf(host)).toEqual({ state: "evicted", live: null, generation: 2n });
  await look(configId);
  expect(await selectDeployments(central.pool, host)).toHaveLength(1);

  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "evicted", branch: "change", files: { a: "2" } });
  const again = await buildOf(host, 3n);
  expect(again.commit).toBe(sha);
  await succeed(again);
  // The report of the eviction once more is from before.
  await central.worker.client.reportStatus(evicted(build));
  expect((await siteOf(host))?.state).toBe("wanted");
  expect((await siteOf(host))?.live).not.toBeNull();

  await central.worker.client.reportStatus(evicted(again));
  expect((await siteOf(host))?.state).toBe("evicted");
  central.worker.behaviour.cleanup = async () => Outcome.ALREADY_DONE;
  await central.forge.closePullRequest({ owner: "acme", name: "evicted", number });
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toBe("removed"));
  await central.forge.reopenPullRequest({ owner: "acme", name: "evicted", number });
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toBe("wanted"));
});

test("an eviction while a newer commit is on its way empties the site and lets that commit go on", async () => {
  const { host, build } = await openPullRequest("underway");
  await succeed(build);
  await central.forge.pushFiles({ owner: "acme", name: "underway", branch: "change", files: { a: "2" } });
  const next = await buildOf(host, 2n);
  await central.worker.client.reportStatus(evicted(build));
  expect(await siteOf(host)).toMatchObject({ state: "wanted", live: null, generation: 2n });
  await succeed(next);
  expect((await siteOf(host))?.live).toBe(next.deploymentId);
});

test("a production site that a worker says to have evicted is brought back", async () => {
  await addRepository(central, "production");
  const host = "production.one.test";
  const build = await buildOf(host, 1n);
  await succeed(build);
  await central.worker.client.reportStatus(evicted(build));
  expect((await buildOf(host, 2n)).commit).toBe(build.commit);
  expect((await siteOf(host))?.state).toBe("wanted");
});
