import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestForge, type TestForge } from "#test/support/forge.ts";

let t: TestForge;
beforeAll(async () => {
  t = await startTestForge();
  for (const branch of ["a", "b", "c"])
    await t.forge.pushFiles({ owner: "acme", name: "site", branch, files: { [branch]: branch } });
});
afterAll(() => t.stop());
const site = { owner: "acme", repo: "site" };

test("a pull request is opened, listed by pages, closed and reopened", async () => {
  const octokit = t.ann();
  for (const head of ["a", "b", "c"]) await octokit.pulls.create({ ...site, head, base: "main", title: head });
  const pages = await octokit.paginate(octokit.pulls.list, { ...site, per_page: 2 });
  expect(pages.map((each) => each.number)).toEqual([3, 2, 1]);
  expect((await octokit.pulls.list({ ...site, head: "acme:b" })).data.map((each) => each.number)).toEqual([2]);
  expect((await octokit.pulls.update({ ...site, pull_number: 1, state: "closed" })).data.state).toBe("closed");
  expect((await octokit.pulls.update({ ...site, pull_number: 1, state: "open" })).data).toMatchObject({
    state: "open",
    closed_at: null,
  });
});

test("what GitHub refuses is refused in its words", async () => {
  const octokit = t.ann();
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ head: "none", base: "main", title: "x" }, /"field":"head","code":"invalid"/],
    [{ head: "a", base: "none", title: "x" }, /"field":"base","code":"invalid"/],
    [{ head: "a", base: "main", title: "x" }, /A pull request already exists for acme:a/],
    [{ head: "main", base: "main", title: "x" }, /No commits between main and main/],
    [{ head: "a", base: "main", title: "x", surprise: 1 }, /surprise.*not a permitted key/],
    [{ head: "a", base: "main", title: 1 }, /properties\/title.*is not a string/],
    [{ head: "a", base: "main" }, /title.*wasn't supplied/],
  ];
  for (const [body, message] of cases) {
    const error: unknown = await octokit.request("POST /repos/acme/site/pulls", body).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 422 });
    expect(error).toMatchObject({ response: { data: expect.anything() } });
    expect(JSON.stringify(Reflect.get(Object(Reflect.get(Object(error), "response")), "data"))).toMatch(message);
  }
  await expect(octokit.pulls.get({ ...site, pull_number: 99 })).rejects.toMatchObject({ status: 404 });
});

test("a fork's pull request names another repository, and its head can be fetched from the base", async () => {
  await t.forge.addCollaborator({
    owner: "acme",
    name: "site",
    login: (await t.forge.createUser({ login: "eve" })).login,
    permission: "read",
  });
  await t.forge.forkRepository({ owner: "acme", name: "site", by: "eve" });
  const { sha } = await t.forge.pushFiles({ owner: "eve", name: "site", branch: "evil", files: { x: "y" } });
  const { number } = await t.forge.openPullRequest({ owner: "acme", name: "site", head: "eve:evil", by: "eve" });
  const { data } = await t.ann().pulls.get({ ...site, pull_number: number });
  expect(data.head.repo.id).not.toBe(data.base.repo.id);
  expect((await t.ann().git.getRef({ ...site, ref: `pull/${number}/head` })).data.object.sha).toBe(sha);
  const permission = await t.ann().repos.getCollaboratorPermissionLevel({ ...site, username: "eve" });
  expect(permission.data.permission).toBe("read");
});

test("a comment of the App's shows its bot, is edited and deleted, and has a limit", async () => {
  const octokit = t.withToken(await t.mint({ permissions: { pull_requests: "write" } }));
  const { data } = await octokit.issues.createComment({ ...site, issue_number: 1, body: "Building…" });
  expect(data).toMatchObject({ user: { login: "catapult[bot]", type: "Bot" }, performed_via_github_app: { id: 4711 } });
  await octokit.issues.updateComment({ ...site, comment_id: data.id, body: "<script>done</script> **now**" });
  const page = await (await fetch(`${t.repository.url}/pull/1`)).text();
  expect(page).toContain("&lt;script&gt;done&lt;/script&gt; <strong>now</strong>");
  await expect(octokit.issues.createComment({ ...site, issue_number: 1, body: "x".repeat(65_537) })).rejects.toMatchObject({
    status: 422,
  });
  await octokit.issues.deleteComment({ ...site, comment_id: data.id });
  await expect(octokit.issues.getComment({ ...site, comment_id: data.id })).rejects.toMatchObject({ status: 404 });
});

test("a fault can apply a call and drop its answer, or answer 403 with retry-after", async () => {
  t.forge.setFault({ kind: "drop-answer", method: "POST", path: /comments$/, times: 1 });
  await expect(t.ann().issues.createComment({ ...site, issue_number: 2, body: "once" })).rejects.toThrow(
    /other side closed|socket|fetch failed/,
  );
  expect(await t.forge.comments({ owner: "acme", name: "site", number: 2 })).toHaveLength(1);
  t.forge.setFault({ kind: "answer", status: 403, headers: { "retry-after": "7" }, times: 1 });
  await expect(t.ann().pulls.get({ ...site, pull_number: 1 })).rejects.toMatchObject({
    status: 403,
    response: { headers: { "retry-after": "7" } },
  });
  expect((await t.ann().pulls.get({ ...site, pull_number: 1 })).status).toBe(200);
});

test("a stale fault repeats what was read first while the state moves on", async () => {
  const end = t.forge.setFault({ kind: "stale", method: "GET", path: /pulls\/3$/ });
  await t.ann().pulls.get({ ...site, pull_number: 3 });
  await t.forge.closePullRequest({ owner: "acme", name: "site", number: 3 });
  expect((await t.ann().pulls.get({ ...site, pull_number: 3 })).data.state).toBe("open");
  end();
  expect((await t.ann().pulls.get({ ...site, pull_number: 3 })).data.state).toBe("closed");
});

test("a restart finds everything", async () => {
  const before = (await t.forge.deliveries()).length;
  await t.restart();
  expect((await t.ann().pulls.get({ ...site, pull_number: 1 })).data.head.ref).toBe("a");
  expect((await t.forge.deliveries()).length).toBe(before);
});
