import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Daemon } from "#test/support/daemon.ts";
import { eventually } from "#test/support/eventually.ts";
import { findBreaches } from "#test/support/invariants.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { addSite, deploymentsOf, expectLive, hostOf, push, pushBranch, repository } from "./support/sites.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ centrals: 2, links: true, env: { central: { RECONCILE_INTERVAL: "2s" } } });
  await addSite(stack);
}, podmanHookTimeout);
afterEach(async () => {
  for (const { proxy } of stack.links.all()) proxy.set({});
  for (const central of stack.centrals) central.arm("");
  for (const central of stack.centrals) if (!central.isRunning()) await central.start();
});
afterAll(() => stack?.stop());

const first = () => stack.centrals[0]!;
const second = () => stack.centrals[1]!;
const served = async (host: string) => visit(stack.workers[0]!.sitesPort, host);

/** How often it was told to stop. */
const stopsOf = async (central: Daemon): Promise<number> => (await central.log()).split('"msg":"stopping"').length;

async function openLive(): Promise<{ number: number; host: string; branch: string; sha: string }> {
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await expectLive(stack, hostOf(number), sha);
  return { number, host: hostOf(number), branch, sha };
}

test("both Centrals take webhooks, and one that is killed leaves all of the work to the other", async () => {
  const before = await openLive();
  await first().kill();
  const pulls = [];
  for (let n = 0; n < 3; n += 1) {
    const { branch, sha } = await pushBranch(stack);
    pulls.push({ sha, ...(await stack.forge.openPullRequest({ ...repository, head: branch })) });
  }
  const newer = await push(stack, before.branch);
  for (const { number, sha } of pulls) await expectLive(stack, hostOf(number), sha);
  await expectLive(stack, before.host, newer.sha);
  await first().start();
  for (const { number, sha } of pulls) {
    expect(await deploymentsOf(stack, hostOf(number))).toEqual([{ commit: sha, state: "succeeded" }]);
  }
});

test("fault 41: a Central that gets SIGTERM ends with 0 and leaves nothing undone; a second SIGTERM ends it at once", async () => {
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  first().signal("SIGTERM");
  expect(await first().ended()).toEqual({ code: 0, signal: null });
  const { rows } = await stack.pool.query<{ jobs: bigint }>(
    `select count(*) as jobs from graphile_worker._private_jobs j where j.locked_by is not null and not exists (
       select from pg_locks l where l.locktype = 'advisory' and l.classid = 726240
         and l.objid::bigint = (hashtext(j.locked_by)::bigint & 4294967295))`,
  );
  expect(rows[0]?.jobs).toBe(0n);
  await expectLive(stack, hostOf(number), sha);

  // A job that hangs, as on a worker that takes a call and does not answer, is what a stop waits for.
  first().arm("dispatch.before-build:sleep=60000");
  await Promise.all([first().start(), second().stop()]);
  const next = await pushBranch(stack);
  const pull = await stack.forge.openPullRequest({ ...repository, head: next.branch });
  await eventually(async () => expect(await first().log()).toContain("failpoint dispatch.before-build: sleep"));
  await second().start();
  const stops = await stopsOf(first());
  first().signal("SIGTERM");
  await eventually(async () => expect(await stopsOf(first())).toBe(stops + 1));
  first().signal("SIGTERM");
  expect(await first().ended()).toEqual({ code: 143, signal: null });
  await expectLive(stack, hostOf(pull.number), next.sha);
});

test("fault 41: a job that hangs while its Central stops is handed to the other one before the deadline", async () => {
  const slept = async (): Promise<number> => (await first().log()).split("failpoint dispatch.before-build: sleep").length - 1;
  const before = await slept();
  first().arm("dispatch.before-build:sleep=60000");
  await second().stop();
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await eventually(async () => expect(await slept()).toBeGreaterThan(before));
  await second().start();
  first().signal("SIGTERM");
  // What hangs is waited for; only then is it the other one's.
  expect(await first().ended()).toEqual({ code: 0, signal: null });
  await expectLive(stack, hostOf(number), sha);
  expect(await first().log()).toContain("jobs that did not end in time were handed back");
});

test("fault 40: force-pushes of A, then B, then A again end at the newest generation with the content of A", async () => {
  const { host, branch } = await openLive();
  const force = async (text: string) =>
    stack.forge.pushFiles({ ...repository, branch, from: "main", files: { "index.html": text, "which.txt": text } });
  await force("content A");
  await force("content B");
  const last = await force("content A");
  await expectLive(stack, host, last.sha);
  expect((await served(host)).body).toBe("content A");
  const { rows } = await stack.pool.query<{ live: bigint; site: bigint }>(
    `select d.generation as live, s.generation as site from sites s join deployment_history d on d.id = s.live_deployment
     where s.host = $1`,
    [host],
  );
  expect(rows[0]?.live).toBe(rows[0]?.site);
});

test("fault 43: a database that answers 2 s late slows work down and breaks none; one that is cut mid-row is connected to anew", async () => {
  const { host, branch } = await openLive();
  const databases = [0, 1].map((index) => stack.links.get("central-postgres", index));
  for (const link of databases) link.set({ latencyMs: 1000 });
  const slow = await push(stack, branch);
  await stack.forge.settled();
  for (const link of databases) link.set({ cutAfterBytes: 40 });
  await eventually(async () => {
    const logs = `${await first().log()}${await second().log()}`;
    expect(logs).toMatch(/database connection broke|Connection terminated|ECONNRESET/);
  });
  for (const link of databases) link.set({});
  await expectLive(stack, host, slow.sha);
  const after = await push(stack, branch);
  await expectLive(stack, host, after.sha);
  for (const central of stack.centrals) expect(central.isRunning()).toBe(true);
});

test("after faults 40, 41 and 43 every invariant holds", async () => {
  expect(await findBreaches(stack)).toEqual([]);
}, 90_000);
