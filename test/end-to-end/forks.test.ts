import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";

const base = { owner: "acme", name: "site" };
const page = (text: string) => `<!doctype html><p>${text}</p>\n`;

let stack: Stack;
/** Of each attempt of the test: a retry finds what the one before it left on the forge. */
let attempt = 0;
let stranger = "";
let fork: { owner: string; name: string };

beforeAll(async () => {
  stack = await startStack();
  const { forge } = stack;
  await forge.createRepository({ ...base, files: { "index.html": page("ours") } });
  await forge.installApp(base);
  for (const [login, permission] of [
    ["maintainer", "write"],
    ["reader", "read"],
  ] as const) {
    await forge.createUser({ login });
    await forge.addCollaborator({ ...base, login, permission });
  }
  const config = { githubOrg: base.owner, githubRepo: base.name, environment: "one", domain: "one.localhost", subdomain: "www" };
  await stack.operator.createDeploymentConfig({ deploymentConfig: config });
}, podmanHookTimeout);

beforeEach(async () => {
  stranger = `stranger-${++attempt}`;
  fork = await stack.forge.forkRepository({ ...base, by: stranger });
});

afterAll(() => stack?.stop());

const hostOf = (number: number) => `pr-${number}-site.one.localhost`;
const get = async (host: string) => visit(stack.workers[0]!.sitesPort, host);
const served = async (host: string, text: string) =>
  eventually(async () => expect(await get(host)).toMatchObject({ status: 200, body: page(text) }));

async function push(branch: string, text: string): Promise<string> {
  const theirs = { owner: fork.owner, name: fork.name, by: stranger };
  return (await stack.forge.pushFiles({ ...theirs, branch, files: { "index.html": page(text) } })).sha;
}

async function commentSays(number: number, text: string): Promise<void> {
  await eventually(async () => {
    const ours = (await stack.forge.comments({ ...base, number })).filter((one) => one.user === "catapult[bot]");
    expect(ours).toHaveLength(1);
    expect(ours[0]!.body).toContain(text);
  });
}

async function deliveryEnds(text: string): Promise<string> {
  return eventually(async () => {
    const { rows } = await stack.pool.query<{ state: string }>(
      "select state from webhook_deliveries where event = 'issue_comment' and position($1 in body) > 0 and state <> 'received'",
      [text],
    );
    expect(rows).toHaveLength(1);
    return rows[0]!.state;
  });
}

test("F1 a fork's commit is held, nothing that a reader says lets it be built, and a maintainer's word makes it live", async () => {
  const sha = await push("main", "first of theirs");
  const { number } = await stack.forge.openPullRequest({ ...base, head: `${fork.owner}:main`, base: "main", by: stranger });
  await commentSays(number, `\n/catapult approve ${sha}\n`);
  for (const by of ["reader", stranger]) {
    await stack.forge.createComment({ ...base, number, by, body: `/catapult approve ${sha}\nsays the ${by}, ${attempt}` });
    expect(await deliveryEnds(`says the ${by}, ${attempt}`)).toBe("rejected");
  }
  expect(await get(hostOf(number))).toMatchObject({ status: 404 });

  await stack.forge.createComment({ ...base, number, by: "maintainer", body: `/catapult approve ${sha}` });
  await served(hostOf(number), "first of theirs");
  await commentSays(number, "approved by ` maintainer `");

  // Its next push waits again, and what was approved stays.
  const second = await push("main", "second of theirs");
  await commentSays(number, `\n/catapult approve ${second}\n`);
  await commentSays(number, `serves ${sha.slice(0, 8)}`);
  expect(await get(hostOf(number))).toMatchObject({ status: 200, body: page("first of theirs") });

  // A write token lets it through as well.
  const request = { githubOrg: base.owner, githubRepo: base.name, pullRequest: BigInt(number), commit: second };
  await expect(stack.operator.approve({ ...request, commit: sha })).rejects.toThrow(second);
  await stack.operator.approve(request);
  await served(hostOf(number), "second of theirs");
  await commentSays(number, "approved by the token ` tests `");

  // Closed and reopened, its approved head is built again.
  await stack.forge.closePullRequest({ ...base, number });
  await eventually(async () => expect(await get(hostOf(number))).toMatchObject({ status: 404 }));
  await stack.forge.reopenPullRequest({ ...base, number });
  await served(hostOf(number), "second of theirs");

  // F3: all of it came from a branch called main, and production is still the repository's own.
  expect(await get("www.one.localhost")).toMatchObject({ status: 200, body: page("ours") });
  const { rows } = await stack.pool.query<{ kind: string; trust: string }>(
    "select distinct s.kind, d.trust from deployment_history d join sites s on s.id = d.site_id order by s.kind",
  );
  expect(rows).toEqual([
    { kind: "preview", trust: "fork" },
    { kind: "production", trust: "repository" },
  ]);
});
