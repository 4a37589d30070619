import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { type BuildRequest, Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "../support/start-test-central.ts";
import { log } from "../support/test-log.ts";
import { replaceLostDeployments } from "#central/reconcile/replace-lost-deployments.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());
afterEach(async () => {
  central.worker.behaviour.build = async () => Outcome.ACCEPTED;
  central.worker.behaviour.cleanup = async () => Outcome.ACCEPTED;
  await central.pool.query("update workers set enabled = true where id = 'worker-one'");
});

async function openPullRequest(name: string) {
  await central.forge.pushFiles({ owner: "acme", name, branch: "change", from: "main", files: { "index.html": name } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name, title: "x", head: "change", base: "main" });
  return { ...pull, host: `pr-${pull.number}-${name}.one.test` };
}

const buildsOf = (host: string): BuildRequest[] => central.worker.builds.filter((build) => build.host === host);
const idsOf = (build: BuildRequest) => ({
  siteId: build.siteId,
  generation: build.generation,
  deploymentId: build.deploymentId,
});

async function firstBuild(host: string): Promise<BuildRequest> {
  return eventually(() => {
    const [build] = buildsOf(host);
    if (build === undefined) throw new Error(`no build of ${host}`);
    return build;
  });
}

/** The site's newest deployment, once it is with the worker at this generation. */
async function dispatched(host: string, generation: bigint) {
  return eventually(async () => {
    const newest = (await selectDeployments(central.pool, host)).at(-1);
    if (newest?.generation !== generation || newest.state !== "dispatched") throw new Error(`generation ${generation} waits`);
    return newest;
  });
}

async function endLease(deploymentId: bigint): Promise<void> {
  await central.pool.query("update deployment_history set lease_expires_at = now() - interval '1 second' where id = $1", [
    deploymentId,
  ]);
  await replaceLostDeployments({ pool: central.pool, log });
}

test("a busy worker is asked again when another deployment of its environment ends, for the same generation", async () => {
  await addRepository(central, "first");
  await addRepository(central, "second");
  const one = await firstBuild((await openPullRequest("first")).host);
  let busy = true;
  central.worker.behaviour.build = async () => (busy ? Outcome.BUSY : Outcome.ACCEPTED);
  const { host } = await openPullRequest("second");
  await firstBuild(host);
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(-1)?.state).toBe("queued"));
  busy = false;
  await central.worker.client.reportStatus({ ...idsOf(one), state: DeploymentState.CANCELED });
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(-1)?.state).toBe("dispatched"));
  expect(new Set(buildsOf(host).map((build) => build.generation))).toEqual(new Set([1n]));
});

test("a worker's refusal and its silence put the build back in the queue until it is taken, once", async () => {
  await addRepository(central, "refused");
  let refusals = 0;
  central.worker.behaviour.build = async () => {
    refusals += 1;
    if (refusals < 3) throw new ConnectError("the canary failed", Code.FailedPrecondition);
    return Outcome.ACCEPTED;
  };
  const { host } = await openPullRequest("refused");
  await eventually(async () => {
    expect(await selectDeployments(central.pool, host)).toMatchObject([{ state: "dispatched", generation: 1n }]);
    expect(refusals).toBeGreaterThanOrEqual(3);
  });
});

test("a report that comes before the worker's answer is kept, and so is one after an answer that was lost", async () => {
  await addRepository(central, "early");
  central.worker.behaviour.build = async (request) => {
    await central.worker.client.reportStatus({ ...idsOf(request), state: DeploymentState.BUILDING });
    throw new ConnectError("the answer was lost", Code.Unavailable);
  };
  const { host } = await openPullRequest("early");
  const build = await firstBuild(host);
  await eventually(async () => {
    expect((await selectDeployments(central.pool, host)).map((row) => row.state)).toEqual(["building"]);
  });
  // A report that was overtaken does not take it back.
  await central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.CLONING });
  expect((await selectDeployments(central.pool, host)).map((row) => row.state)).toEqual(["building"]);
});

test("without an enabled worker a deployment stays queued and its pull request is told", async () => {
  await addRepository(central, "alone");
  await central.pool.query("update workers set enabled = false");
  const { host, number } = await openPullRequest("alone");
  await eventually(async () => {
    const comments = await central.forge.comments({ owner: "acme", name: "alone", number });
    expect(comments.map((comment) => comment.body).join()).toContain("no enabled worker");
  });
  expect(await selectDeployments(central.pool, host)).toMatchObject([{ state: "queued", waiting: "no_worker" }]);
  expect(buildsOf(host)).toEqual([]);
});

test("a lease that ends makes the deployment lost and queues its commit under the next generation; the old worker is refused", async () => {
  await addRepository(central, "leased");
  const { host } = await openPullRequest("leased");
  const build = await firstBuild(host);
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(0)?.state).toBe("dispatched"));
  await central.pool.query("update deployment_history set lease_expires_at = now() - interval '1 second' where id = $1", [
    build.deploymentId,
  ]);
  await Promise.all([1, 2, 3].map(async () => replaceLostDeployments({ pool: central.pool, log })));
  await eventually(async () => {
    expect(await selectDeployments(central.pool, host)).toMatchObject([
      { state: "lost", generation: 1n, commit: build.commit },
      { state: "dispatched", generation: 2n, commit: build.commit },
    ]);
  });
  const late = central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.SUCCEEDED, url: build.url });
  await expect(late).rejects.toMatchObject({ code: Code.FailedPrecondition });
});

test("a commit whose worker is lost three times in a row is not queued a fourth time, and its pull request says how to go on", async () => {
  await addRepository(central, "deadly");
  const { host, number } = await openPullRequest("deadly");
  for (const generation of [1n, 2n, 3n]) {
    const lost = await dispatched(host, generation);
    await endLease(lost.id);
  }
  await eventually(async () => {
    const comments = await central.forge.comments({ owner: "acme", name: "deadly", number });
    expect(comments.map((comment) => comment.body).join()).toMatch(/lost 3 times.*Push/);
  });
  expect((await selectDeployments(central.pool, host)).map((row) => row.state)).toEqual(["lost", "lost", "lost"]);

  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "deadly", branch: "change", files: { a: "1" } });
  const next = await dispatched(host, 4n);
  expect(next.commit).toBe(sha);
  await endLease(next.id);
  expect(await dispatched(host, 5n)).toMatchObject({ commit: sha });
});

test.each(["enabled = false", "deleting = true"])("what is lost under a config with %s is not queued again", async (change) => {
  const name = change.startsWith("enabled") ? "disabled" : "deleting";
  const { configId } = await addRepository(central, name);
  const { host, number } = await openPullRequest(name);
  const { id } = await dispatched(host, 1n);
  await central.pool.query(`update deployment_config set ${change} where id = $1`, [configId]);
  await endLease(id);
  await eventually(async () => {
    const comments = await central.forge.comments({ owner: "acme", name, number });
    expect(comments.map((comment) => comment.body).join()).toContain("Stopped");
  });
  expect((await selectDeployments(central.pool, host)).map((row) => row.state)).toEqual(["lost"]);
});

test("a removal that its worker refuses is asked for again with growing pauses", async () => {
  await addRepository(central, "kept");
  const { host, number } = await openPullRequest("kept");
  await dispatched(host, 1n);
  for (const refuse of [
    async () => Outcome.SUPERSEDED,
    async () => Promise.reject(new ConnectError("generation 2 of the site is a build", Code.FailedPrecondition)),
  ]) {
    central.worker.behaviour.cleanup = refuse;
    const { rows } = await central.pool.query<{ id: bigint }>("select id from sites where host = $1", [host]);
    await central.forge.closePullRequest({ owner: "acme", name: "kept", number });
    // The third call's pause is known once its attempt is: half a second, one, two.
    await eventually(async () => {
      const jobs = await central.pool.query<{ attempt: number }>(
        `select (j.payload ->> 'attempt')::int as attempt from graphile_worker._private_jobs j where j.key = $1`,
        [`dispatch:${rows[0]?.id}`],
      );
      expect(jobs.rows[0]?.attempt).toBeGreaterThanOrEqual(2);
    });
    expect(await selectSiteState(central.pool, host)).toBe("removing");
    central.worker.behaviour.cleanup = async () => Outcome.ALREADY_DONE;
    await eventually(async () => expect(await selectSiteState(central.pool, host)).toBe("removed"), 10_000);
    await central.forge.reopenPullRequest({ owner: "acme", name: "kept", number });
    await eventually(async () => expect(await selectSiteState(central.pool, host)).toBe("wanted"));
  }
});

test("a report with another URL, for another's deployment or of a generation that never was is refused and changes nothing", async () => {
  await addRepository(central, "strict");
  const { host } = await openPullRequest("strict");
  const build = await firstBuild(host);
  await eventually(async () => expect((await selectDeployments(central.pool, host)).at(0)?.state).toBe("dispatched"));
  const report = { ...idsOf(build), state: DeploymentState.SUCCEEDED, release: `1-${build.commit.slice(0, 8)}` };
  const send = async (changes: object) => central.worker.client.reportStatus({ ...report, url: build.url, ...changes });
  await expect(send({ url: "https://evil.example" })).rejects.toMatchObject({ code: Code.InvalidArgument });
  await expect(send({ url: "" })).rejects.toMatchObject({ code: Code.InvalidArgument });
  await expect(send({ deploymentId: 999_999n })).rejects.toMatchObject({ code: Code.NotFound });
  await expect(send({ generation: build.generation + 1n })).rejects.toMatchObject({ code: Code.NotFound });
  expect((await selectDeployments(central.pool, host)).map((row) => row.state)).toEqual(["dispatched"]);
});

test("log lines are stored once each and acknowledged by the highest, without what steers a terminal", async () => {
  await addRepository(central, "logs");
  const build = await firstBuild((await openPullRequest("logs")).host);
  const report = { ...idsOf(build), state: DeploymentState.BUILDING };
  const first = await central.worker.client.reportStatus({ ...report, firstLogLine: 1n, logLines: ["a", "b\u001b[31m\0"] });
  const again = await central.worker.client.reportStatus({ ...report, firstLogLine: 1n, logLines: ["A", "B", "c"] });
  const far = await central.worker.client.reportStatus({ ...report, firstLogLine: 1_000_000n, logLines: ["x"] });
  expect([first, again, far].map((answer) => answer.acknowledgedLogLine)).toEqual([2n, 3n, 1_000_000n]);
  const { rows } = await central.pool.query<{ line: string }>(
    "select line from deployment_log_lines where deployment_id = $1 order by line_number",
    [build.deploymentId],
  );
  expect(rows.map((row) => row.line)).toEqual(["a", "b[31m", "c"]);
});

test("a close while the build runs cancels it and removes the site; one that no worker had is removed without a call", async () => {
  await addRepository(central, "closing");
  const { host, number } = await openPullRequest("closing");
  const build = await firstBuild(host);
  central.worker.behaviour.cleanup = async () => Outcome.ALREADY_DONE;
  await central.forge.closePullRequest({ owner: "acme", name: "closing", number });
  await eventually(async () => expect(await selectSiteState(central.pool, host)).toBe("removed"));
  const answer = await central.worker.client.reportStatus({ ...idsOf(build), state: DeploymentState.BUILDING });
  expect(answer.cancel).toBe(true);

  await central.pool.query("update workers set enabled = false");
  await addRepository(central, "unbuilt");
  const other = await openPullRequest("unbuilt");
  await eventually(async () => expect(await selectDeployments(central.pool, other.host)).toHaveLength(1));
  await central.forge.closePullRequest({ owner: "acme", name: "unbuilt", number: other.number });
  await eventually(async () => expect(await selectSiteState(central.pool, other.host)).toBe("removed"));
  expect(central.worker.cleanups.some((cleanup) => cleanup.host === other.host)).toBe(false);
});

test("a clone token reads one repository, is new for each build, and is nowhere in the database", async () => {
  const tokens = central.worker.builds.map((build) => build.cloneToken);
  expect(new Set(tokens).size).toBe(tokens.length);
  const { rows } = await central.pool.query<{ dump: string }>(
    `select (select coalesce(string_agg(x::text, ' '), '') from graphile_worker._private_jobs x)
       || (select coalesce(string_agg(x::text, ' '), '') from deployment_history x)
       || (select coalesce(string_agg(x::text, ' '), '') from sites x) as dump`,
  );
  for (const token of tokens) expect(rows[0]?.dump).not.toContain(token);
});
