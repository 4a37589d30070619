import { afterAll, beforeAll, expect, test } from "vitest";
import { withTransaction } from "#central/database/with-transaction.ts";
import { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "./support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

async function openPullRequest(name: string): Promise<{ number: number; headSha: string }> {
  const { forge } = central;
  await forge.pushFiles({ owner: "acme", name, branch: "change", from: "main", files: { "index.html": `of ${name}` } });
  return forge.openPullRequest({ owner: "acme", name, title: "A change", head: "change", base: "main" });
}

async function buildOf(commit: string): Promise<BuildRequest> {
  return eventually(() => {
    const build = central.worker.builds.findLast((one) => one.commit === commit);
    if (build === undefined) throw new Error(`no build of ${commit}`);
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
    release: `${build.generation}-${build.commit.slice(0, 8)}`,
    releaseFiles: 1n,
    releaseBytes: 3n,
  });
}

async function onlyComment(name: string, number: number): Promise<string> {
  const comments = await central.forge.comments({ owner: "acme", name, number });
  expect(comments).toHaveLength(1);
  return comments[0]?.body ?? "";
}

test("a pull request is built at its host, its comment says Building and then the URL, and its close removes it", async () => {
  await addRepository(central, "whole");
  const pull = await openPullRequest("whole");
  const build = await buildOf(pull.headSha);
  expect(build).toMatchObject({
    host: `pr-${pull.number}-whole.one.test`,
    url: `https://pr-${pull.number}-whole.one.test`,
    repository: "acme/whole",
    branch: "change",
    pullRequest: BigInt(pull.number),
  });
  expect(build.cloneToken).toMatch(/^ghs_/);
  await eventually(async () => expect(await onlyComment("whole", pull.number)).toContain("Building…"));
  await succeed(build);
  await eventually(async () => expect(await onlyComment("whole", pull.number)).toContain(`**Ready:** ${build.url}`));

  await central.forge.closePullRequest({ owner: "acme", name: "whole", number: pull.number });
  const cleanup = await eventually(() => {
    const found = central.worker.cleanups.find((one) => one.siteId === build.siteId);
    if (found === undefined) throw new Error("no cleanup yet");
    return found;
  });
  expect(cleanup.generation).toBe(build.generation + 1n);
  await central.worker.client.reportStatus({ siteId: build.siteId, generation: cleanup.generation, siteRemoved: true });
  expect(await selectSiteState(central.pool, build.host)).toBe("removed");
  await eventually(async () => expect(await onlyComment("whole", pull.number)).toContain("Preview removed"));

  await central.forge.reopenPullRequest({ owner: "acme", name: "whole", number: pull.number });
  const again = await eventually(() => {
    const found = central.worker.builds.findLast((one) => one.siteId === build.siteId);
    expect(found?.generation).toBe(cleanup.generation + 1n);
    return found;
  });
  expect(again?.commit).toBe(build.commit);
});

test.each([0n, 1n])(
  "a worker that says that it removed what should be live, %s above its generation, gets the live commit again",
  async (ahead) => {
    const name = `healed-${ahead}`;
    await addRepository(central, name);
    const pull = await openPullRequest(name);
    const build = await buildOf(pull.headSha);
    await succeed(build);
    const generation = build.generation + ahead;
    const removed = { siteId: build.siteId, generation, siteRemoved: true };
    await central.worker.client.reportStatus(removed);
    const again = await eventually(() => {
      const found = central.worker.builds.findLast((one) => one.siteId === build.siteId);
      expect(found?.generation).toBe(generation + 1n);
      return found;
    });
    expect(again).toMatchObject({ commit: build.commit, host: build.host, trust: build.trust });
    // The same report once more is from before the repair.
    await central.worker.client.reportStatus(removed);
    if (again !== undefined) await succeed(again);
    const rows = await selectDeployments(central.pool, build.host);
    expect(rows.map((row) => row.state)).toEqual(["succeeded", "succeeded"]);
    await eventually(async () => expect(await onlyComment(name, pull.number)).toContain("**Ready:**"));
  },
);

test("a held commit is not built by the repair of a site, and a finished removal that is reported again changes nothing", async () => {
  await addRepository(central, "unhealed");
  const pull = await openPullRequest("unhealed");
  const build = await buildOf(pull.headSha);
  // No code may do this; here it stands for a commit that waits for its approval.
  await withTransaction(central.pool, async (client) => {
    await client.query("set local session_replication_role = replica");
    await client.query("update deployment_history set state = 'held', lease_expires_at = null where id = $1", [
      build.deploymentId,
    ]);
  });
  await central.worker.client.reportStatus({ siteId: build.siteId, generation: build.generation, siteRemoved: true });
  expect((await selectDeployments(central.pool, build.host)).map((row) => row.state)).toEqual(["held"]);

  await central.forge.closePullRequest({ owner: "acme", name: "unhealed", number: pull.number });
  const removed = { siteId: build.siteId, generation: build.generation + 1n, siteRemoved: true };
  await eventually(async () => expect(await selectSiteState(central.pool, build.host)).toBe("removing"));
  for (let times = 0; times < 3; times += 1) await central.worker.client.reportStatus(removed);
  expect(await selectSiteState(central.pool, build.host)).toBe("removed");
  expect((await selectDeployments(central.pool, build.host)).map((row) => row.state)).toEqual(["superseded"]);
});

test("a push to the default branch is built at the production host, and other branches are ignored", async () => {
  await addRepository(central, "production");
  await central.forge.pushFiles({ owner: "acme", name: "production", branch: "aside", from: "main", files: { a: "1" } });
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "production", branch: "main", files: { b: "2" } });
  const build = await buildOf(sha);
  expect(build).toMatchObject({ host: "production.one.test", pullRequest: 0n, branch: "main" });
  const { rows } = await central.pool.query<{ reason: string }>(
    "select reason from webhook_deliveries where event = 'push' and state = 'ignored' and body like '%refs/heads/aside%'",
  );
  expect(rows[0]?.reason).toBe("push is not to the default branch");
});

test("a newer commit supersedes the running one, whose worker is told to stop, and the same delivery again builds nothing", async () => {
  await addRepository(central, "newer");
  const pull = await openPullRequest("newer");
  const first = await buildOf(pull.headSha);
  await central.worker.client.reportStatus({ ...idsOf(first), state: DeploymentState.BUILDING });
  const { sha } = await central.forge.pushFiles({
    owner: "acme",
    name: "newer",
    branch: "change",
    files: { "index.html": "two" },
  });
  const second = await buildOf(sha);
  expect(second.generation).toBe(first.generation + 1n);
  const answer = await central.worker.client.reportStatus({ ...idsOf(first), state: DeploymentState.BUILDING });
  expect(answer.cancel).toBe(true);
  await succeed(second);
  const builds = central.worker.builds.length;
  const delivery = (await central.forge.deliveries()).findLast((one) => one.event === "pull_request");
  await central.forge.redeliver(delivery?.id ?? 0);
  await eventually(async () => {
    const rows = await selectDeployments(central.pool, first.host);
    expect(rows.map((row) => row.state)).toEqual(["superseded", "succeeded"]);
  });
  expect(central.worker.builds).toHaveLength(builds);
});

test("a failed build shows its stage, its reason and the end of its log, and keeps what was live", async () => {
  await addRepository(central, "failing");
  const pull = await openPullRequest("failing");
  const build = await buildOf(pull.headSha);
  const answer = await central.worker.client.reportStatus({
    ...idsOf(build),
    state: DeploymentState.FAILED,
    failure: { stage: Stage.BUILD, reason: "command_failed", message: "npm run build exited with 1" },
    firstLogLine: 1n,
    logLines: ["one", "```` </details> @org/team \u001b[31m\u202etwo", "token ghs_0123456789abcdefghij"],
  });
  expect(answer).toMatchObject({ acknowledgedLogLine: 3n, cancel: false });
  await eventually(async () => expect(await onlyComment("failing", pull.number)).toContain("command_failed"));
  const comment = await onlyComment("failing", pull.number);
  expect(comment).toContain("`````text\none\n```` </details> @org/team [31mtwo");
  expect(comment).not.toContain("ghs_0123456789");
});

test("a fork's pull request is held with a comment that names its commit, and is not built", async () => {
  await addRepository(central, "forked");
  await central.forge.createUser({ login: "stranger" });
  const fork = await central.forge.forkRepository({ owner: "acme", name: "forked", by: "stranger" });
  const { sha } = await central.forge.pushFiles({
    owner: fork.owner,
    name: fork.name,
    branch: "main",
    files: { "index.html": "theirs" },
    by: "stranger",
  });
  const pull = await central.forge.openPullRequest({
    owner: "acme",
    name: "forked",
    title: "x",
    head: "stranger:main",
    base: "main",
    by: "stranger",
  });
  await eventually(async () => expect(await onlyComment("forked", pull.number)).toContain(`/catapult approve ${sha}`));
  const rows = await selectDeployments(central.pool, `pr-${pull.number}-forked.one.test`);
  expect(rows).toMatchObject([{ state: "held", trust: "fork", commit: sha }]);
  expect(central.worker.builds.some((build) => build.commit === sha)).toBe(false);
});

test("a comment that a person deleted is made again, and one whose answer GitHub lost is not made twice", async () => {
  await addRepository(central, "comments");
  central.forge.setFault({ kind: "drop-answer", method: "POST", path: /\/issues\/\d+\/comments$/, times: 1 });
  const pull = await openPullRequest("comments");
  const build = await buildOf(pull.headSha);
  await eventually(async () => {
    const { rows } = await central.pool.query("select from sites where id = $1 and comment_id is not null", [build.siteId]);
    expect(rows).toHaveLength(1);
  });
  const before = await central.forge.comments({ owner: "acme", name: "comments", number: pull.number });
  expect(before).toHaveLength(1);
  await central.forge.deleteComment({ owner: "acme", name: "comments", number: pull.number, id: before[0]?.id ?? 0 });
  await succeed(build);
  await eventually(async () => expect(await onlyComment("comments", pull.number)).toContain("Ready"));
});

function idsOf(build: BuildRequest) {
  return { siteId: build.siteId, generation: build.generation, deploymentId: build.deploymentId };
}
