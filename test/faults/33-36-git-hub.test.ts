import { setTimeout as sleep } from "node:timers/promises";
import { Octokit } from "@octokit/rest";
import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { faultsOn } from "./support/fault.ts";
import { postWebhook, pullRequestPayload } from "./support/post-webhook.ts";
import {
  addSite,
  deliveryState,
  deploymentsOf,
  expectLive,
  freeWhatTheDeadHold,
  hostOf,
  push,
  pushBranch,
  repairs,
  repository,
} from "./support/sites.ts";

let stack: Stack;
let repositoryId: number;
const fault = faultsOn(() => stack);

beforeAll(async () => {
  stack = await startStack({ env: { central: { RECONCILE_INTERVAL: "2s" } } });
  ({ id: repositoryId } = await addSite(stack));
}, podmanHookTimeout);
afterAll(() => stack?.stop());

/** A site whose repository no fault is about. */
async function addOther(): Promise<{ owner: string; name: string }> {
  const other = { owner: "acme", name: "other" };
  await stack.forge.createRepository({ ...other, files: { "index.html": "other" } });
  await stack.forge.installApp(other);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: other.owner,
      githubRepo: other.name,
      environment: "one",
      domain: "one.localhost",
      subdomain: "other",
    },
  });
  return other;
}

const createComment = { method: "POST", path: /\/issues\/\d+\/comments$/ };
const comments = async (number: number) => stack.forge.comments({ ...repository, number });

async function openPullRequest() {
  const { branch, sha } = await pushBranch(stack);
  const pull = await stack.forge.openPullRequest({ ...repository, head: branch });
  return { branch, sha, number: pull.number, host: hostOf(pull.number) };
}

async function expectOneComment(number: number, text: string, withinMs = 20_000): Promise<{ id: number }> {
  return eventually(async () => {
    const all = await comments(number);
    expect(all).toHaveLength(1);
    expect(all[0]!.body).toContain(text);
    return all[0]!;
  }, withinMs);
}

async function refusalOf(host: string): Promise<string | null | undefined> {
  const { rows } = await stack.pool.query<{ refusal: string | null }>(
    "select comment_refusal as refusal from sites where host = $1",
    [host],
  );
  return rows[0]?.refusal;
}

fault("fault 33: a comment that GitHub made without answering is found, and not made twice", async () => {
  let posts = 0;
  stack.forge.setFault({ kind: "drop-answer", ...createComment, times: 2, onCall: () => (posts += 1) });
  const { number } = await openPullRequest();
  await expectOneComment(number, "**Ready:**");
  expect(posts).toBe(1);
});

fault("fault 33: a Central killed between GitHub's making of a comment and its record makes no second one", async () => {
  stack.central.arm("comment.after-post:kill");
  const { number, host, sha } = await openPullRequest();
  expect(await stack.central.ended()).toEqual({ code: null, signal: "SIGKILL" });
  expect(await comments(number)).toHaveLength(1);
  stack.central.arm("");
  await freeWhatTheDeadHold(stack);
  await stack.central.start();
  await expectLive(stack, host, sha);
  await expectOneComment(number, "**Ready:**");
});

fault("fault 34: after a 403 with retry-after GitHub is left alone for that long, and then told everything", async () => {
  const calls: { at: number; path: string }[] = [];
  stack.forge.setFault({ kind: "watch", path: /^\/repos\//, onCall: (_, path) => calls.push({ at: performance.now(), path }) });
  let refusedAt = 0;
  stack.forge.setFault({
    kind: "answer",
    status: 403,
    headers: { "retry-after": "4" },
    message: "You have exceeded a secondary rate limit.",
    ...createComment,
    times: 1,
    onCall: () => (refusedAt = performance.now()),
  });
  const { branch, number } = await openPullRequest();
  await eventually(async () => expect(refusedAt).toBeGreaterThan(0));
  // What was under way beside it is let through.
  await sleep(300);
  const { sha } = await push(stack, branch);
  await expectOneComment(number, sha);
  const after = calls.map(({ at }) => at - refusedAt).filter((ms) => ms > 300);
  expect(Math.min(...after)).toBeGreaterThan(3_900);
  await expectOneComment(number, "**Ready:**");
});

fault("fault 35: a token that ends in mid-clone is replaced by one new one, and a repository that refuses fails", async () => {
  const upload = { kind: "answer", status: 401, method: "POST", path: /\/git-upload-pack$/ } as const;
  stack.forge.setFault({ ...upload, times: 1 });
  const { host, sha, branch } = await openPullRequest();
  await expectLive(stack, host, sha);
  expect(await deploymentsOf(stack, host)).toEqual([
    { commit: sha, state: "failed" },
    { commit: sha, state: "succeeded" },
  ]);
  const end = stack.forge.setFault(upload);
  const { sha: refused } = await push(stack, branch);
  await eventually(async () => {
    const rows = (await deploymentsOf(stack, host)).filter(({ commit }) => commit === refused);
    expect(rows).toEqual([
      { commit: refused, state: "failed" },
      { commit: refused, state: "failed" },
    ]);
  }, 20_000);
  // Several looks at GitHub later it is left at that.
  await sleep(5_000);
  expect((await deploymentsOf(stack, host)).filter(({ commit }) => commit === refused)).toHaveLength(2);
  end();
  const { sha: accepted } = await push(stack, branch);
  await expectLive(stack, host, accepted);
});

fault("fault 36: a comment that somebody deleted is made again, and one that a person edited is put right", async () => {
  const { number } = await openPullRequest();
  const made = await expectOneComment(number, "**Ready:**");
  const before = await repairs(stack, "comment_changed");
  await stack.forge.deleteComment({ ...repository, number, id: made.id });
  const again = await expectOneComment(number, "**Ready:**");
  expect(again.id).not.toBe(made.id);
  const { token } = await stack.forge.createUser({ login: "ann" });
  await stack.forge.addCollaborator({ ...repository, login: "ann", permission: "write" });
  const ann = new Octokit({ baseUrl: stack.forge.apiUrl, auth: token });
  await ann.issues.updateComment({
    owner: repository.owner,
    repo: repository.name,
    comment_id: again.id,
    body: "nothing to see here",
  });
  expect((await expectOneComment(number, "**Ready:**")).id).toBe(again.id);
  expect(await repairs(stack, "comment_changed")).toBe(before + 2);
});

fault("fault 36: on a locked pull request the comment is given up on record, and written once it is unlocked", async () => {
  const { branch } = await pushBranch(stack);
  let posts = 0;
  stack.forge.setFault({ kind: "watch", ...createComment, onCall: () => (posts += 1) });
  stack.forge.setFault({ kind: "answer", status: 502, ...createComment, times: 1 });
  const pull = await stack.forge.openPullRequest({ ...repository, head: branch });
  await stack.forge.lockPullRequest({ ...repository, number: pull.number, locked: true });
  await expectLive(stack, hostOf(pull.number), pull.headSha);
  await eventually(async () => expect(await refusalOf(hostOf(pull.number))).toContain("issue is locked"));
  // Each body is refused once: a repeat of it would be refused again.
  await sleep(5_000);
  expect(posts).toBeLessThanOrEqual(4);
  expect(await comments(pull.number)).toHaveLength(0);
  await stack.forge.lockPullRequest({ ...repository, number: pull.number, locked: false });
  await expectOneComment(pull.number, "**Ready:**");
  expect(await refusalOf(hostOf(pull.number))).toBeNull();
});

fault(
  "a GitHub that takes 5 s for each answer: webhooks are answered at once, nothing is lost or doubled, and other repositories go on",
  async () => {
    const other = await addOther();
    let calls = 0;
    stack.forge.setFault({ kind: "delay", ms: 5_000, path: /^\/repos\/acme\/site\//, onCall: () => (calls += 1) });
    const { branch, number, host } = await openPullRequest();
    await eventually(() => expect(calls).toBeGreaterThan(0));
    const { sha: newest } = await push(stack, branch);
    const payload = pullRequestPayload({ repositoryId, number, commit: newest });
    const { status, guid } = await postWebhook(stack, { central: 0, event: "pull_request", payload });
    expect(status).toBe(202);
    expect(await deliveryState(stack, guid)).toBe("received");
    const { sha: elsewhere } = await stack.forge.pushFiles({ ...other, branch: "main", files: { "index.html": "meanwhile" } });
    await expectLive(stack, "other.one.localhost", elsewhere);
    await expectLive(stack, host, newest);
    await eventually(async () => expect(await deliveryState(stack, guid)).not.toBe("received"));
    expect((await deploymentsOf(stack, host)).filter(({ commit }) => commit === newest)).toEqual([
      { commit: newest, state: "succeeded" },
    ]);
    await expectOneComment(number, newest);
  },
);

const changeComment = { method: "PATCH", path: /\/issues\/comments\/\d+$/ };

fault(
  "fault 33: a comment that GitHub makes, or a change that it applies, only after Central gave the call up ends as the only one and the newest",
  async () => {
    const changed = await openPullRequest();
    await expectOneComment(changed.number, "**Ready:**");
    stack.forge.setFault({ kind: "delay", ms: 16_000, ...changeComment, times: 1 });
    await push(stack, changed.branch);
    let posts = 0;
    stack.forge.setFault({ kind: "watch", ...createComment, onCall: () => (posts += 1) });
    stack.forge.setFault({ kind: "delay", ms: 12_000, ...createComment, times: 1 });
    const { number, host } = await openPullRequest();
    // GitHub's list does not show yet what it will make.
    await eventually(() => expect(posts).toBe(2));
    await eventually(async () => expect(await comments(number)).toHaveLength(2));
    // What was said first came last.
    await expectOneComment(changed.number, "Building…");
    // As if the 30 s had gone by after which each is looked at again.
    const { rowCount } = await stack.pool.query(
      `update graphile_worker._private_jobs set run_at = now() where run_at between now() and now() + interval '30 seconds'
         and key in (select 'comment-again:' || id from sites where host = any ($1))`,
      [[changed.host, host]],
    );
    expect(rowCount).toBe(2);
    await expectOneComment(changed.number, "**Ready:**");
    await expectOneComment(number, "**Ready:**");
  },
);
