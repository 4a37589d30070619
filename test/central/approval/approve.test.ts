import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addJob } from "#central/jobs/add-job.ts";
import { createToken } from "#central/operator/tokens.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { DeploymentState, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import {
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "#test/central/support/start-test-central.ts";
import { deliver, endOfDelivery, openForkPullRequest, selectApprovals } from "./held-fork.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

const states = async (host: string) => (await selectDeployments(central.pool, host)).map((row) => row.state);
const waitForStates = async (host: string, expected: string[]) =>
  eventually(async () => expect(await states(host)).toEqual(expected));
const buildsOf = (commit: string) => central.worker.builds.filter((one) => one.commit === commit);
const waitForBuild = async (commit: string): Promise<BuildRequest> =>
  eventually(() => {
    const build = buildsOf(commit).at(-1);
    if (build === undefined) throw new Error(`no build of ${commit}`);
    return build;
  });

async function succeed(build: BuildRequest): Promise<void> {
  await central.worker.client.reportStatus({
    siteId: build.siteId,
    generation: build.generation,
    deploymentId: build.deploymentId,
    state: DeploymentState.SUCCEEDED,
    url: build.url,
    release: `${build.generation}-${build.commit.slice(0, 8)}`,
  });
}

async function look(configId: bigint, pullRequest: bigint): Promise<void> {
  const client = await central.pool.connect();
  try {
    await addJob(client, { task: "look", configId, pullRequest });
    await eventually(async () => {
      const { rowCount } = await client.query("select from graphile_worker.jobs where key = $1", [
        `look:${configId}:${pullRequest}`,
      ]);
      expect(rowCount).toBe(0);
    });
  } finally {
    client.release();
  }
}

test("an approval by a maintainer's comment builds that commit with a fork's trust, and the one comment says by whom", async () => {
  const pull = await openForkPullRequest(central, "approved");
  await waitForStates(pull.host, ["held"]);
  await eventually(async () => expect((await pull.ours())[0]?.body).toContain(`\n/catapult approve ${pull.sha}\n`));
  await pull.approve("maintainer", pull.sha);
  const build = await waitForBuild(pull.sha);
  expect(build).toMatchObject({ trust: Trust.FORK, host: pull.host, pullRequest: BigInt(pull.number), variables: [] });
  await eventually(async () => expect((await pull.ours())[0]?.body).toMatch(/Building…[^]*approved by ` maintainer `/));
  await succeed(build);
  await eventually(async () => expect((await pull.ours())[0]?.body).toMatch(/Ready:[^]*approved by ` maintainer `/));
  expect(await pull.ours()).toHaveLength(1);
  expect(await selectDeployments(central.pool, pull.host)).toMatchObject([{ state: "succeeded", trust: "fork", generation: 1n }]);

  // Again, by somebody else: nothing new, and the first one stays on record.
  await pull.approve("admin", pull.sha);
  expect(await endOfDelivery(central, "issue_comment", '"login":"admin"')).toEqual({ state: "processed", reason: "approved" });
  expect(await selectApprovals(central, pull.host)).toEqual([{ commit: pull.sha, kind: "github", approver: "maintainer" }]);
  expect(await states(pull.host)).toEqual(["succeeded"]);

  // A push is held again and names its own commit; what was approved stays live.
  const second = await pull.push("more of theirs");
  await waitForStates(pull.host, ["succeeded", "held"]);
  await eventually(async () => expect((await pull.ours())[0]?.body).toContain(`/catapult approve ${second}`));
  expect((await pull.ours())[0]?.body).toContain(`${build.url} serves ${pull.sha.slice(0, 8)}`);
  await pull.comment("maintainer", `/catapult approve ${pull.sha}\nonce more`);
  expect(await endOfDelivery(central, "issue_comment", "once more")).toMatchObject({
    state: "rejected",
    reason: expect.stringContaining(second),
  });
  expect(await states(pull.host)).toEqual(["succeeded", "held"]);
  expect(buildsOf(second)).toEqual([]);

  // Forced back to the approved commit, it is built without another approval.
  await pull.forceTo(pull.sha);
  await waitForStates(pull.host, ["succeeded", "superseded", "dispatched"]);
  await eventually(() => expect(buildsOf(pull.sha)).toHaveLength(2));
});

describe("F2 an approval that is none changes nothing but its delivery's reason:", () => {
  let pull: Awaited<ReturnType<typeof openForkPullRequest>>;
  beforeAll(async () => {
    pull = await openForkPullRequest(central, "refused");
    await waitForStates(pull.host, ["held"]);
  });

  async function expectNothing(): Promise<void> {
    expect(await states(pull.host)).toEqual(["held"]);
    expect(await selectApprovals(central, pull.host)).toEqual([]);
    expect(buildsOf(pull.sha)).toEqual([]);
    expect(await pull.ours()).toHaveLength(1);
  }

  test.each(["reader", "stranger"])("a comment by %s", async (login) => {
    await pull.comment(login, `/catapult approve ${pull.sha}\n\n${login} was here`);
    expect(await endOfDelivery(central, "issue_comment", `${login} was here`)).toMatchObject({
      state: "rejected",
      reason: expect.stringContaining("write permission"),
    });
    await expectNothing();
  });

  test("a comment that a maintainer edits into one", async () => {
    const { id } = await pull.comment("maintainer", "Nice");
    const { token } = await central.forge.createUser({ login: "maintainer" });
    const response = await fetch(`${central.forge.apiUrl}/repos/acme/${pull.name}/issues/comments/${id}`, {
      method: "PATCH",
      headers: { authorization: `token ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ body: `/catapult approve ${pull.sha}\nedited in` }),
    });
    expect(response.status).toBe(200);
    expect(await endOfDelivery(central, "issue_comment", "edited in")).toMatchObject({
      state: "ignored",
      reason: expect.stringContaining("edited"),
    });
    await expectNothing();
  });

  test("a short id, and the id of another commit", async () => {
    await pull.comment("maintainer", `/catapult approve ${pull.sha.slice(0, 12)}\nshort`);
    expect(await endOfDelivery(central, "issue_comment", "\\nshort")).toMatchObject({ state: "rejected" });
    await pull.comment("maintainer", `/catapult approve ${"d".repeat(40)}\nanother`);
    expect(await endOfDelivery(central, "issue_comment", "\\nanother")).toMatchObject({
      state: "rejected",
      reason: expect.stringContaining(pull.sha),
    });
    await expectNothing();
  });

  test("a delivery with the secret that says what GitHub does not: author, standing, words, place", async () => {
    const maintainer = await central.forge.createUser({ login: "maintainer" });
    const line = `/catapult approve ${pull.sha}`;
    const theirs = await pull.comment("stranger", line);
    const nice = await pull.comment("maintainer", "Nice work");
    const user = { id: maintainer.id, login: "maintainer", type: "User" };
    const stranger = { id: pull.strangerId, login: "stranger", type: "User" };
    const lies = [
      { mark: "another's comment", comment: { id: theirs.id, user } },
      { mark: "a claimed standing", comment: { id: theirs.id, user: stranger, author_association: "OWNER" } },
      { mark: "other words", comment: { id: nice.id, user } },
      { mark: "no comment at all", comment: { id: 999_999, user } },
    ];
    for (const { mark, comment } of lies) {
      await deliver(central, "issue_comment", {
        action: "created",
        mark,
        repository: { id: pull.id },
        issue: { number: pull.number, pull_request: {}, author_association: "OWNER" },
        comment: { author_association: "OWNER", performed_via_github_app: null, body: line, ...comment },
        sender: user,
      });
      expect(await endOfDelivery(central, "issue_comment", mark)).toMatchObject({ state: "rejected" });
    }
    await expectNothing();
  });

  test("a maintainer's comment for this commit on another pull request", async () => {
    await central.forge.pushFiles({ owner: "acme", name: pull.name, branch: "own", from: "main", files: { a: "1" } });
    const own = await central.forge.openPullRequest({ owner: "acme", name: pull.name, title: "y", head: "own", base: "main" });
    const body = `/catapult approve ${pull.sha}\nelsewhere`;
    await central.forge.createComment({ owner: "acme", name: pull.name, number: own.number, by: "maintainer", body });
    expect(await endOfDelivery(central, "issue_comment", "elsewhere")).toMatchObject({
      state: "ignored",
      reason: expect.stringContaining("not from a fork"),
    });
    await expectNothing();
  });

  test("one by somebody who lost the permission before it is used", async () => {
    central.forge.setWebhookUrl(undefined);
    const { id } = await pull.comment("admin", `/catapult approve ${pull.sha}`);
    await central.forge.addCollaborator({ owner: "acme", name: pull.name, login: "admin", permission: "read" });
    central.forge.setWebhookUrl(`${central.url}/webhook/github`);
    const admin = await central.forge.createUser({ login: "admin" });
    await deliver(central, "issue_comment", {
      action: "created",
      mark: "late",
      repository: { id: pull.id },
      issue: { number: pull.number, pull_request: {} },
      comment: { id, body: `/catapult approve ${pull.sha}`, user: { id: admin.id, login: "admin", type: "User" } },
    });
    expect(await endOfDelivery(central, "issue_comment", '"late"')).toMatchObject({
      state: "rejected",
      reason: "GitHub says read of admin, and approving takes write permission",
    });
    await expectNothing();
  });
});

test("while GitHub does not say what somebody may do, an approval waits, and holds once it does", async () => {
  const pull = await openForkPullRequest(central, "silent");
  await waitForStates(pull.host, ["held"]);
  central.forge.setFault({ kind: "answer", status: 502, method: "GET", path: /\/permission$/, times: 1 });
  await pull.approve("maintainer", pull.sha);
  expect(await waitForBuild(pull.sha)).toMatchObject({ trust: Trust.FORK });
  expect(await selectApprovals(central, pull.host)).toHaveLength(1);
});

test("an approval that GitHub's reads do not show yet, nor the commit it approves, waits, and holds once they do", async () => {
  const pull = await openForkPullRequest(central, "lagging");
  await waitForStates(pull.host, ["held"]);
  const missing = central.forge.setFault({
    kind: "answer",
    status: 404,
    method: "GET",
    path: /\/lagging\/issues\/comments\/\d+$/,
  });
  const waitsFor = async (text: string, reason: string) =>
    eventually(async () => {
      const { rows } = await central.pool.query(
        "select state, reason from webhook_deliveries where event = 'issue_comment' and position($1 in body) > 0",
        [text],
      );
      expect(rows).toEqual([{ state: "received", reason: expect.stringContaining(reason) }]);
    });
  await pull.comment("maintainer", `/catapult approve ${pull.sha}\nunseen`);
  await waitsFor("\\nunseen", "no such comment yet");
  missing();
  expect(await endOfDelivery(central, "issue_comment", "\\nunseen")).toEqual({ state: "processed", reason: "approved" });
  await waitForStates(pull.host, ["dispatched"]);

  const old = central.forge.setFault({ kind: "stale", method: "GET", path: new RegExp(`/lagging/pulls/${pull.number}$`) });
  await look(pull.configId, BigInt(pull.number));
  const next = await pull.push("next");
  await pull.comment("maintainer", `/catapult approve ${next}\nahead`);
  await waitsFor("\\nahead", `head is ${pull.sha} now`);
  old();
  expect(await endOfDelivery(central, "issue_comment", "\\nahead")).toEqual({ state: "processed", reason: "approved" });
  expect(await waitForBuild(next)).toMatchObject({ trust: Trust.FORK });
});

test("a lost lease and a look leave an approved commit approved, and a closed pull request is built again when it is reopened", async () => {
  const pull = await openForkPullRequest(central, "steady");
  await waitForStates(pull.host, ["held"]);
  await look(pull.configId, BigInt(pull.number));
  expect(await states(pull.host)).toEqual(["held"]);
  await pull.approve("maintainer", pull.sha);
  await waitForBuild(pull.sha);
  await waitForStates(pull.host, ["dispatched"]);
  await central.pool.query("update deployment_history set lease_expires_at = now() - interval '1 s' where state = 'dispatched'");
  await waitForStates(pull.host, ["lost", "dispatched"]);
  expect(await selectDeployments(central.pool, pull.host)).toMatchObject([
    { trust: "fork" },
    { trust: "fork", commit: pull.sha },
  ]);
  await look(pull.configId, BigInt(pull.number));
  expect(await states(pull.host)).toEqual(["lost", "dispatched"]);

  await central.forge.closePullRequest({ owner: "acme", name: pull.name, number: pull.number });
  await eventually(async () => expect(await selectSiteState(central.pool, pull.host)).toMatch(/remov/));
  await pull.comment("maintainer", `/catapult approve ${pull.sha}\nafter the close`);
  expect(await endOfDelivery(central, "issue_comment", "after the close")).toMatchObject({
    state: "ignored",
    reason: expect.stringContaining("closed"),
  });
  await central.forge.reopenPullRequest({ owner: "acme", name: pull.name, number: pull.number });
  await waitForStates(pull.host, ["lost", "superseded", "dispatched"]);
  expect((await selectDeployments(central.pool, pull.host)).at(-1)).toMatchObject({ trust: "fork", commit: pull.sha });
});

test("one commit in two pull requests takes an approval for each", async () => {
  const pull = await openForkPullRequest(central, "twins");
  await central.forge.pushFiles({ owner: "acme", name: "twins", branch: "stable", from: "main", files: { a: "1" } });
  const twin = await central.forge.openPullRequest({
    owner: "acme",
    name: "twins",
    title: "y",
    head: "stranger:main",
    base: "stable",
    by: "stranger",
  });
  await waitForStates(pull.host, ["held"]);
  await waitForStates(`pr-${twin.number}-twins.one.test`, ["held"]);
  await pull.approve("maintainer", pull.sha);
  await waitForStates(pull.host, ["dispatched"]);
  await look(pull.configId, BigInt(twin.number));
  expect(await states(`pr-${twin.number}-twins.one.test`)).toEqual(["held"]);
});

test("forks off: ignored with a reason, without a site or a comment; an approval is too", async () => {
  const pull = await openForkPullRequest(central, "off", "off");
  expect(await endOfDelivery(central, "pull_request", pull.sha)).toEqual({
    state: "ignored",
    reason: "forks are off in the deployment config",
  });
  await pull.comment("maintainer", `/catapult approve ${pull.sha}\nwhile off`);
  expect(await endOfDelivery(central, "issue_comment", "while off")).toMatchObject({
    state: "ignored",
    reason: "forks are off in the deployment config",
  });
  expect(await selectDeployments(central.pool, pull.host)).toEqual([]);
  expect(await selectSiteState(central.pool, pull.host)).toBeUndefined();
  expect(await pull.ours()).toEqual([]);
});

test("F1 forks on: built without an approval, with a fork's trust, and without the build variables that the repository's own get", async () => {
  const pull = await openForkPullRequest(central, "on", "on");
  const operator = createServiceClient(OperatorService, {
    url: central.url,
    interceptors: [createBearerInterceptor(await createToken(central.pool, { name: "variables", scope: "write" }))],
  });
  const variable = { name: "API_KEY", value: "for the repository alone" };
  await operator.setBuildVariable({ githubOrg: "acme", githubRepo: "on", variable });
  operator.close();
  const sha = await pull.push("again");
  expect(await waitForBuild(sha)).toMatchObject({ trust: Trust.FORK, variables: [] });
  expect(await selectApprovals(central, pull.host)).toEqual([]);
  const own = await central.forge.pushFiles({ owner: "acme", name: "on", branch: "main", files: { b: "2" } });
  expect(await waitForBuild(own.sha)).toMatchObject({ trust: Trust.REPOSITORY, variables: [variable] });
});

test("another rule for forks is for what happens from then on", async () => {
  const pull = await openForkPullRequest(central, "changed");
  await waitForStates(pull.host, ["held"]);
  await central.pool.query("update deployment_config set forks = 'on' where id = $1", [pull.configId]);
  const next = await pull.push("next");
  expect((await waitForBuild(next)).trust).toBe(Trust.FORK);
  await central.pool.query("update deployment_config set forks = 'approve' where id = $1", [pull.configId]);
  await look(pull.configId, BigInt(pull.number));
  await waitForStates(pull.host, ["superseded", "dispatched"]);
  const last = await pull.push("last");
  await waitForStates(pull.host, ["superseded", "superseded", "held"]);
  expect(buildsOf(last)).toEqual([]);
});

test("F3 a fork's main is never production: by its pull request, its pushes, or its repository's name in a delivery", async () => {
  const pull = await openForkPullRequest(central, "named-main", "on");
  await waitForBuild(pull.sha);
  const [production] = await eventually(async () => {
    const rows = await selectDeployments(central.pool, "named-main.one.test");
    expect(rows).toHaveLength(1);
    return rows;
  });
  const push = { ref: "refs/heads/main", after: pull.sha, deleted: false };
  await deliver(central, "push", { ...push, mark: "by the fork", repository: { id: pull.forkId, default_branch: "main" } });
  expect(await endOfDelivery(central, "push", "by the fork")).toMatchObject({ state: "ignored" });
  // Even with the secret, a push is only a hint: what is built is what the base repository's branch is at.
  await deliver(central, "push", { ...push, mark: "by name", repository: { id: pull.id, default_branch: "main" } });
  expect(await endOfDelivery(central, "push", "by name")).toMatchObject({ state: "superseded" });
  expect(await selectDeployments(central.pool, "named-main.one.test")).toEqual([production]);
  expect(buildsOf(pull.sha).map((build) => build.host)).toEqual([pull.host]);

  // Merged, it is a push to the default branch by somebody who may.
  const { sha } = await central.forge.mergePullRequest({ owner: "acme", name: pull.name, number: pull.number, by: "maintainer" });
  expect(await waitForBuild(sha)).toMatchObject({ trust: Trust.REPOSITORY, host: "named-main.one.test" });
});

test("M5 whoever takes the old name of a renamed repository is nobody in it", async () => {
  const pull = await openForkPullRequest(central, "moved");
  await waitForStates(pull.host, ["held"]);
  const old = { owner: "acme", name: "moved" };
  await central.forge.renameRepository({ ...old, to: "moved-on" });
  await central.forge.createRepository({ ...old, files: { "index.html": "taken over" } });
  await central.forge.installApp(old);
  await central.forge.addCollaborator({ ...old, login: "reader", permission: "admin" });
  const body = `/catapult approve ${pull.sha}\n\nfrom the old name`;
  await central.forge.createComment({ owner: "acme", name: "moved-on", number: pull.number, by: "reader", body });
  expect(await endOfDelivery(central, "issue_comment", "from the old name")).toMatchObject({
    state: "rejected",
    reason: "GitHub says read of reader, and approving takes write permission",
  });
  expect(await states(pull.host)).toEqual(["held"]);
});

test("F6 a stranger's comment that begins with our marker is not taken for ours", async () => {
  central.forge.setWebhookUrl(undefined);
  const pull = await openForkPullRequest(central, "marked");
  const { rows } = await central.pool.query<{ next: bigint }>("select coalesce(max(id), 0) + 1 as next from sites");
  const guess = rows[0]?.next ?? 0n;
  const spoofs = Array.from(
    { length: 30 },
    (_, n) => `<!-- catapult site ${guess + BigInt(n)} -->\n\n**Ready:** https://evil.example`,
  );
  for (const body of spoofs) await pull.comment("stranger", body);
  central.forge.setWebhookUrl(`${central.url}/webhook/github`);
  await look(pull.configId, BigInt(pull.number));
  await eventually(async () => expect((await pull.ours())[0]?.body).toContain(pull.sha));
  const all = await central.forge.comments({ owner: "acme", name: pull.name, number: pull.number });
  const ours = (await pull.ours())[0]?.body.split("\n")[0] ?? "";
  expect(spoofs.some((body) => body.startsWith(ours))).toBe(true);
  expect(all.filter((one) => one.user === "stranger").map((one) => one.body)).toEqual(spoofs);
});

test("an approval replayed under another GUID is the same approval", async () => {
  const pull = await openForkPullRequest(central, "replayed");
  await waitForStates(pull.host, ["held"]);
  await pull.approve("maintainer", pull.sha);
  await waitForBuild(pull.sha);
  const { rows } = await central.pool.query<{ body: string }>(
    "select body from webhook_deliveries where event = 'issue_comment' and position($1 in body) > 0",
    [`approve ${pull.sha}`],
  );
  const payload: object = JSON.parse(rows.find((row) => row.body.includes('"login":"maintainer"'))?.body ?? "{}");
  const mark = randomUUID();
  await deliver(central, "issue_comment", { ...payload, mark });
  expect(await endOfDelivery(central, "issue_comment", mark)).toMatchObject({ state: "processed" });
  expect(await states(pull.host)).toEqual(["dispatched"]);
});
