import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createWorkerClients, type WorkerClients } from "#central/dispatch/create-worker-clients.ts";
import { compareWorkers } from "#central/reconcile/compare-worker.ts";
import { restartStalledSites } from "#central/reconcile/restart-stalled-sites.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { type BuildRequest, Outcome, type WorkerSiteSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "../support/start-test-central.ts";
import { log } from "../support/test-log.ts";

type Site = MessageInitShape<typeof WorkerSiteSchema>;

let central: TestCentral;
let clients: WorkerClients;
let disk: Site[] = [];
beforeAll(async () => {
  central = await startTestCentral();
  clients = createWorkerClients({ pool: central.pool, secretKey: central.secretKey, ca: undefined });
  // Central's own timer compares too, at a time that no test chooses; here only the tests do.
  await central.pool.query("update workers set compared_at = now() + interval '1 hour'");
});
afterAll(async () => {
  clients.close();
  await central.stop();
});
afterEach(async () => {
  central.worker.behaviour.sites = undefined;
  central.worker.behaviour.cleanup = async () => Outcome.ACCEPTED;
  await central.pool.query("delete from repairs");
  // What a test leaves live is no site of the next one's disk.
  await central.pool.query("update sites set worker_id = null, live_deployment = null where state = 'wanted'");
});

async function compare(sites: Site[]): Promise<void> {
  disk = sites;
  central.worker.behaviour.sites = () => disk;
  await compareWorkers({ pool: central.pool, workers: clients, log, everySeconds: -7200 });
}

async function repairs(): Promise<Record<string, bigint>> {
  const { rows } = await central.pool.query<{ kind: string; count: bigint }>("select kind, count from repairs");
  return Object.fromEntries(rows.map((row) => [row.kind, row.count]));
}

const releaseOf = (build: BuildRequest) => `${build.generation}-${build.commit.slice(0, 8)}`;
const diskOf = (build: BuildRequest): Site => ({
  siteId: build.siteId,
  generation: build.generation,
  host: build.host,
  liveRelease: releaseOf(build),
  liveGeneration: build.generation,
});

async function buildOf(host: string, generation: bigint): Promise<BuildRequest> {
  return eventually(() => {
    const build = central.worker.builds.find((one) => one.host === host && one.generation === generation);
    if (build === undefined) throw new Error(`no build of ${host} at generation ${generation}`);
    return build;
  });
}

async function succeed(build: BuildRequest): Promise<void> {
  await central.worker.client.reportStatus({
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state: DeploymentState.SUCCEEDED,
    url: build.url,
    release: releaseOf(build),
  });
}

/** A pull request that is live. */
async function addLive(name: string): Promise<{ build: BuildRequest; number: number }> {
  await addRepository(central, name);
  await central.forge.pushFiles({ owner: "acme", name, branch: "change", from: "main", files: { a: name } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name, title: "x", head: "change", base: "main" });
  const build = await buildOf(`pr-${pull.number}-${name}.one.test`, 1n);
  await succeed(build);
  return { build, number: pull.number };
}

test("what is as it should be is left alone, and the worker's disk is recorded", async () => {
  const { build } = await addLive("same");
  await compare([diskOf(build)]);
  expect(await repairs()).toEqual({});
  expect(await selectDeployments(central.pool, build.host)).toHaveLength(1);
  const { rows } = await central.pool.query("select free_bytes, total_bytes from workers");
  expect(rows).toEqual([{ free_bytes: 7n, total_bytes: 9n }]);
});

test("a live site that is not on its worker's disk is deployed again, once, under a new generation", async () => {
  const { build } = await addLive("gone");
  await Promise.all([compare([]), compare([])]);
  const again = await buildOf(build.host, 2n);
  expect(again.commit).toBe(build.commit);
  expect(await repairs()).toEqual({ site_missing: 1n });
  await compare([]);
  expect(await selectDeployments(central.pool, build.host)).toHaveLength(2);
});

test("a worker that has seen a higher generation than Central, as after a restore, gets the commit again above it", async () => {
  const { build } = await addLive("restored");
  await compare([{ ...diskOf(build), generation: 41n }]);
  const again = await buildOf(build.host, 42n);
  expect(again.commit).toBe(build.commit);
  expect(await repairs()).toEqual({ generation_behind: 1n });
});

test("a build that its worker answers with SUPERSEDED is not the end: the worker is compared, and the commit is built", async () => {
  await addRepository(central, "behind");
  central.worker.behaviour.build = async (request) => (request.generation < 8n ? Outcome.SUPERSEDED : Outcome.ACCEPTED);
  await central.forge.pushFiles({ owner: "acme", name: "behind", branch: "change", from: "main", files: { a: "1" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "behind", title: "x", head: "change", base: "main" });
  const host = `pr-${pull.number}-behind.one.test`;
  const refused = await buildOf(host, 1n);
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(-1)?.state).toBe("superseded"));
  central.worker.behaviour.sites = () => [{ ...diskOf(refused), host: "an-older.one.test", generation: 7n }];
  // Nobody asks for a comparison here: Central's own timer finds that one is due.
  expect(await buildOf(host, 8n)).toMatchObject({ commit: refused.commit });
  central.worker.behaviour.build = async () => Outcome.ACCEPTED;
  await central.pool.query("update workers set compared_at = now() + interval '1 hour'");
});

test("a removed site that its worker still serves is removed there", async () => {
  const { build, number } = await addLive("left");
  central.worker.behaviour.cleanup = async () => Outcome.ALREADY_DONE;
  await central.forge.closePullRequest({ owner: "acme", name: "left", number });
  await eventually(async () => expect(await selectSiteState(central.pool, build.host)).toBe("removed"));
  await compare([{ ...diskOf(build), generation: 9n }]);
  const cleanup = await eventually(() => {
    const found = central.worker.cleanups.find((one) => one.siteId === build.siteId && one.generation === 10n);
    if (found === undefined) throw new Error("no second cleanup");
    return found;
  });
  expect(cleanup.host).toBe(build.host);
  await eventually(async () => expect(await selectSiteState(central.pool, build.host)).toBe("removed"));
  expect(await repairs()).toEqual({ site_left: 1n });
});

test("a site that the tables do not know is kept, and counted", async () => {
  const cleanups = central.worker.cleanups.length;
  await compare([{ siteId: 999_999n, generation: 3n, host: "unknown.one.test", liveRelease: "3-0a1b2c3d", liveGeneration: 3n }]);
  expect(await repairs()).toEqual({ site_unknown: 1n });
  expect(central.worker.cleanups).toHaveLength(cleanups);
});

test("a worker whose pages never end, or that cannot be asked, ends the comparison and changes nothing", async () => {
  const { build } = await addLive("odd");
  central.worker.behaviour.sites = undefined;
  await compareWorkers({ pool: central.pool, workers: clients, log, everySeconds: -7200 });
  const site = diskOf(build);
  await compare(Array.from({ length: 1_200 }, () => site));
  expect(await selectDeployments(central.pool, build.host)).toHaveLength(1);
});

test("a worker that refused to be asked is asked again half a minute later, not in its time", async () => {
  central.worker.behaviour.sites = () => {
    throw new ConnectError("the clocks differ", Code.Unauthenticated);
  };
  await central.pool.query("update workers set compared_at = now() - interval '400 seconds'");
  await compareWorkers({ pool: central.pool, workers: clients, log, everySeconds: 300 });
  const { rows } = await central.pool.query<{ left: number }>(
    "select 300 - extract(epoch from now() - compared_at)::float8 as left from workers",
  );
  await central.pool.query("update workers set compared_at = now() + interval '1 hour'");
  expect(rows[0]!.left).toBeGreaterThan(0);
  expect(rows[0]!.left).toBeLessThanOrEqual(30);
});

test("a removal and a build whose job is gone get one again", async () => {
  const { build, number } = await addLive("stalled");
  central.worker.behaviour.cleanup = async () => Outcome.BUSY;
  await central.forge.closePullRequest({ owner: "acme", name: "stalled", number });
  await eventually(async () => expect(await selectSiteState(central.pool, build.host)).toBe("removing"));
  await central.pool.query(
    "update graphile_worker._private_jobs set attempts = max_attempts, locked_at = null, locked_by = null where key = $1",
    [`dispatch:${build.siteId}`],
  );
  await eventually(async () => {
    await central.pool.query("update sites set updated_at = now() - interval '1 minute' where id = $1", [build.siteId]);
    await central.pool.query("update graphile_worker._private_jobs set attempts = max_attempts where key = $1", [
      `dispatch:${build.siteId}`,
    ]);
    central.worker.behaviour.cleanup = async () => Outcome.ALREADY_DONE;
    await restartStalledSites({ pool: central.pool, log });
    expect(await repairs()).toMatchObject({ work_stalled: 1n });
  });
  await eventually(async () => expect(await selectSiteState(central.pool, build.host)).toBe("removed"));
});

test("a worker that becomes ready again is compared at the next look", async () => {
  const { setReadiness } = await import("#central/readiness/sql/set-readiness.ts");
  const due = async () => (await central.pool.query("select from workers where compared_at is null")).rowCount;
  await setReadiness(central.pool, central.worker.id, "caddy: failed");
  expect(await due()).toBe(0);
  await setReadiness(central.pool, central.worker.id, null);
  expect(await due()).toBe(1);
});
