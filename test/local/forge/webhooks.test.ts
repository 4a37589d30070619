import { verify } from "@octokit/webhooks-methods";
import { createRequire } from "node:module";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestForge, type TestForge, webhookSecret } from "#test/support/forge.ts";

// The package's own types describe a default export that its JSON does not have.
const examples: { name: string; examples: Record<string, unknown>[] }[] = createRequire(import.meta.url)(
  "@octokit/webhooks-examples",
);

let t: TestForge;
beforeAll(async () => {
  t = await startTestForge();
  const site = { owner: "acme", name: "site" };
  await t.forge.pushFiles({ ...site, branch: "a", files: { a: "a" } });
  const { number } = await t.forge.openPullRequest({ ...site, head: "a" });
  await t.forge.pushFiles({ ...site, branch: "a", files: { a: "b" } });
  await t.forge.createComment({ ...site, number, body: "hello" });
  await t.forge.closePullRequest({ ...site, number });
  await t.forge.reopenPullRequest({ ...site, number });
  await t.forge.settled();
});
afterAll(() => t.stop());

/** Left out on purpose: an App has one hook for all its repositories, so a ping names none, nor the URLs of a repository's hook. */
const leftOut = /^(hook\.(url|test_url|ping_url|last_response)|repository|sender)(\.|$)/;

function missing(example: unknown, ours: unknown, path = ""): string[] {
  if (typeof example !== "object" || example === null || Array.isArray(example)) {
    const differs = example !== null && ours !== null && typeof example !== typeof ours;
    return differs ? [`${path}: ${typeof ours} instead of ${typeof example}`] : [];
  }
  if (typeof ours !== "object" || ours === null) return ours === null ? [] : [path];
  return Object.entries(example).flatMap(([key, value]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return key in ours ? missing(value, Reflect.get(ours, key), at) : [at];
  });
}

test.each([
  ["pull_request", "opened", /^$/],
  ["pull_request", "synchronize", /^$/],
  ["pull_request", "closed", /^$/],
  ["pull_request", "reopened", /^$/],
  ["push", undefined, /^$/],
  ["issue_comment", "created", /^$/],
  ["ping", undefined, leftOut],
])("a %s payload (%s) has every field of GitHub's example, of the same type", (event, action, without) => {
  const example = examples.find((each) => each.name === event)?.examples.find((each) => each["action"] === action);
  const ours = t.received.find((each) => each.event === event && each.payload["action"] === action)?.payload;
  expect(ours).toBeDefined();
  // An author of our own has no username at GitHub.
  const found = missing(example, ours).filter(
    (path) => !without.test(path) && !/^head_commit\.(author|committer)\.username$/.test(path),
  );
  expect(found).toEqual([]);
});

test("every delivery is signed over its raw bytes and has a GUID of its own", async () => {
  expect(t.received.length).toBeGreaterThan(6);
  for (const { raw, headers } of t.received)
    expect(await verify(webhookSecret, raw, String(headers["x-hub-signature-256"]))).toBe(true);
  expect(new Set(t.received.map(({ headers }) => headers["x-github-delivery"])).size).toBe(t.received.length);
});

test("a delivery is listed, and sent again with the same GUID", async () => {
  const { octokit } = t.app();
  const list = await octokit.request("GET /app/hook/deliveries", { per_page: 1 });
  const [newest] = list.data;
  expect(newest).toMatchObject({ event: "pull_request", action: "reopened", status: "OK", status_code: 202, redelivery: false });
  expect(list.headers.link).toContain('rel="next"');
  await octokit.request("POST /app/hook/deliveries/{delivery_id}/attempts", { delivery_id: Number(newest?.id) });
  await t.forge.settled();
  expect(t.received.at(-1)?.headers["x-github-delivery"]).toBe(newest?.guid);
  expect((await octokit.request("GET /app/hook/deliveries", { per_page: 1 })).data[0]).toMatchObject({
    guid: newest?.guid,
    redelivery: true,
  });
});
