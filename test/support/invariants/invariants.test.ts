import { readlink, rm, symlink, truncate, unlink, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../eventually.ts";
import { checkSecrets } from "./check-secrets.ts";
import { checkInvariants, findBreaches, watchSites } from "../invariants.ts";
import { podmanHookTimeout } from "../podman.ts";
import { startStack, type Stack } from "../stack.ts";

const repository = { owner: "acme", name: "site" };
const host = "pr-1-site.one.localhost";
let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
  await stack.forge.createRepository({ ...repository, files: { "index.html": "main one", "page.html": "a page" } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: { githubOrg: "acme", githubRepo: "site", environment: "one", domain: "one.localhost", subdomain: "www" },
  });
  await stack.forge.pushFiles({ ...repository, branch: "change", files: { "index.html": "change one" } });
  await stack.forge.openPullRequest({ ...repository, head: "change" });
}, podmanHookTimeout);
afterAll(() => stack?.stop());

/** The invariants and places that a moment's look finds. */
async function look(o: Parameters<typeof findBreaches>[1] = {}): Promise<string[]> {
  const findings = await findBreaches(stack, { healMs: 0, newBuild: false, ...o });
  return [...new Set(findings.map(({ invariant, where }) => `${invariant} ${where}`))].toSorted();
}

test("a stack that was left alone holds every invariant, and each thing that is put out of order by hand is found", async () => {
  const watch = watchSites(stack);
  await checkInvariants(stack, { watch });
  const [worker] = stack.workers;
  const { rows } = await stack.pool.query<{ id: bigint }>("select id from sites where host = $1", [host]);
  const [site] = rows;

  // I2, I3: an older commit's content, then content of no commit, by the live link.
  await stack.forge.pushFiles({ ...repository, branch: "change", files: { "index.html": "change two" } });
  await eventually(async () => expect(await look()).toEqual([]));
  const link = join(worker!.sitesDirectory, "live", host);
  const target = await readlink(link);
  const releases = join(worker!.sitesDirectory, "sites", String(site!.id), "releases");
  const put = async (to: string) => {
    await unlink(link);
    await symlink(to, link);
  };
  const { rows: older } = await stack.pool.query<{ release: string }>(
    "select release from deployment_history where site_id = $1 order by generation limit 1",
    [site!.id],
  );
  await put(`../sites/${site!.id}/releases/${older[0]!.release}`);
  await eventually(() => expect(watch.sightings().get(host)?.at(-1)?.excerpt).toBe("change one"));
  await mkdir(join(releases, "1-00000000"));
  await writeFile(join(releases, "1-00000000", "index.html"), "change mixed");
  await put(`../sites/${site!.id}/releases/1-00000000`);
  await eventually(() => expect(watch.sightings().get(host)?.at(-1)?.excerpt).toBe("change mixed"));
  expect(await look()).toEqual([`I2 ${host}`, "I5 worker-one"]);
  await put(target);
  // Where the worker met the other link first, the commit is deployed again.
  await eventually(async () => expect(await look()).toEqual([]));
  expect(await look({ watch })).toEqual([`I2 ${host}`, `I3 ${host}`]);
  await watch.stop();

  // I1
  await stack.pool.query(
    "insert into webhook_deliveries (guid, event, body, next_attempt_at) values ('stuck', 'push', '', now() + interval '1 hour')",
  );
  // I4: a duration that the comment does not say. (A deleted comment is made again before anybody looks.)
  await stack.pool.query("update deployment_history set created_at = created_at - interval '1 hour' where site_id = $1", [
    site!.id,
  ]);
  // I5
  await mkdir(join(releases, ".publish-left"));
  await mkdir(join(worker!.stateDirectory, "clones", "left"), { recursive: true });
  expect(await look()).toEqual(["I1 delivery stuck", "I4 acme/site#1", "I5 worker-one"]);

  // I6: in a comment (which comes to Central as a delivery too), and in a row.
  await stack.forge.createComment({ ...repository, number: 1, body: `it is ${stack.webhookSecret}` });
  await stack.pool.query("update webhook_deliveries set body = $1 where guid = 'stuck'", [`ghs_${"a".repeat(36)}`]);
  const leaks = await checkSecrets(stack);
  expect([...new Set(leaks.map(({ invariant, where }) => `${invariant} ${where}`))]).toEqual([
    "I6 comments of acme/site#1",
    "I6 table public.webhook_deliveries",
  ]);
});

test("what goes over its cap is found while it does, though all is well afterwards", async () => {
  const watch = watchSites(stack);
  const [worker] = stack.workers;
  const { rows } = await stack.pool.query<{ id: bigint; live: bigint }>(
    "select id, live_deployment as live from sites where host = $1",
    [host],
  );
  const { id, live } = rows[0]!;
  const clones = join(worker!.stateDirectory, "clones");
  const releases = join(worker!.sitesDirectory, "sites", String(id), "releases");
  const made = [
    ...[1, 2, 3].map((n) => join(clones, `over-${n}`)),
    ...[1, 2, 3].map((n) => join(releases, `.publish-over-${n}`)),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => join(releases, `0-0000000${n}`)),
  ];
  for (const folder of made) await mkdir(folder);
  // A file without blocks is as long as it says.
  const long = join(made[0]!, "long");
  await writeFile(long, "");
  await truncate(long, 2 ** 32);
  const state = join(worker!.stateDirectory, "over");
  await mkdir(state);
  for (let n = 0; n < 100; n++) await writeFile(join(state, String(n)), "");
  await stack.pool.query(
    "insert into deployment_log_lines (deployment_id, line_number, line) select $1, n, '' from generate_series(100000, 160001) n",
    [live],
  );
  await eventually(() => expect(watch.excesses().length).toBeGreaterThanOrEqual(6));
  for (const folder of [...made, state]) await rm(folder, { recursive: true });
  await stack.pool.query("delete from deployment_log_lines where deployment_id = $1 and line_number >= 100000", [live]);
  await watch.stop();
  expect(watch.excesses().map(({ invariant, where, seen }) => `${invariant} ${where}: ${seen.replace(/\d+ /, "")}`)).toEqual(
    expect.arrayContaining([
      "I5 worker-one: clones at once, and 2 are allowed",
      "I5 worker-one: releases under way at once, and 2 are allowed",
      `I5 worker-one: releases of site ${id} at once, and 8 are allowed`,
      `I5 worker-one: bytes of ${made[0]} at once, and 2147483648 are allowed`,
      "I5 worker-one: inodes of STATE_DIR at once, and 100 are allowed",
      `I5 deployment ${live}: lines of log at once, and 60000 are allowed`,
    ]),
  );
});
