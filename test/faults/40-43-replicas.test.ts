import { afterAll, beforeAll, expect } from "vitest";
import type { Daemon } from "#test/support/daemon.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { createHolds } from "./support/create-holds.ts";
import { faultsOn } from "./support/fault.ts";
import {
  addSite,
  deploymentsOf,
  endDeadLocks,
  expectLive,
  hostOf,
  openLive,
  push,
  pushBranch,
  repository,
} from "./support/sites.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ centrals: 2, links: true, env: { central: { RECONCILE_INTERVAL: "2s" } } });
  await addSite(stack);
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const fault = faultsOn(() => stack);

const first = () => stack.centrals[0]!;
const second = () => stack.centrals[1]!;
const served = async (host: string) => visit(stack.workers[0]!.sitesPort, host);

/** How often it was told to stop. */
const stopsOf = async (central: Daemon): Promise<number> => (await central.log()).split('"msg":"stopping"').length;

fault("both Centrals take webhooks, and one that is killed leaves all of the work to the other", async () => {
  const before = await openLive(stack);
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

fault(
  "fault 41: a Central that gets SIGTERM ends with 0 and leaves nothing undone; a second SIGTERM ends it at once",
  async () => {
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
    await Promise.all([first().start(), second().stop()]);
    const next = await pushBranch(stack);
    const pull = await createHolds(first()).at("dispatch.before-build", async () =>
      stack.forge.openPullRequest({ ...repository, head: next.branch }),
    );
    await second().start();
    const stops = await stopsOf(first());
    first().signal("SIGTERM");
    await eventually(async () => expect(await stopsOf(first())).toBe(stops + 1));
    first().signal("SIGTERM");
    expect(await first().ended()).toEqual({ code: 143, signal: null });
    await endDeadLocks(stack);
    await expectLive(stack, hostOf(pull.number), next.sha);
  },
);

fault("fault 41: a job that hangs while its Central stops is handed to the other one before the deadline", async () => {
  await second().stop();
  const { branch, sha } = await pushBranch(stack);
  const { number } = await createHolds(first()).at("dispatch.before-build", async () =>
    stack.forge.openPullRequest({ ...repository, head: branch }),
  );
  await second().start();
  first().signal("SIGTERM");
  // What hangs is waited for; only then is it the other one's.
  expect(await first().ended()).toEqual({ code: 0, signal: null });
  await expectLive(stack, hostOf(number), sha);
  expect(await first().log()).toContain("jobs that did not end in time were handed back");
});

fault("fault 40: force-pushes of A, then B, then A again end at the newest generation with the content of A", async () => {
  const { host, branch } = await openLive(stack);
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

fault(
  "fault 43: a database that answers 2 s late slows work down and breaks none; one that is cut mid-row is connected to anew",
  async () => {
    const { host, branch } = await openLive(stack);
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
  },
);

/** What the next version does to the schema: it adds, and takes nothing away that this one uses. */
const expand = `
  alter table sites add column next_version text;
  alter table deployment_history add column next_version jsonb not null default '{}';
  create table next_version (site_id bigint primary key references sites on delete cascade);
  insert into schema_migrations (number, name) values (9001, '9001_next_version.sql');`;
const takeBack = `
  delete from schema_migrations where number = 9001;
  drop table next_version;
  alter table deployment_history drop column next_version;
  alter table sites drop column next_version;`;

fault(
  "fault 42: Centrals of this version go on beside the next one's schema, and none of them starts on it any more",
  async () => {
    const { host, branch } = await openLive(stack);
    await stack.pool.query(expand);
    const beside = await push(stack, branch);
    await expectLive(stack, host, beside.sha);
    await first().stop();
    await first().start({ until: "spawned" });
    expect(await first().ended()).toEqual({ code: 1, signal: null });
    expect((await first().log()).slice(-4_000)).toMatch(/9001_next_version\.sql.*newer one/);
    // The refusal has touched nothing: the one that runs still takes work.
    const after = await push(stack, branch);
    await expectLive(stack, host, after.sha);
  },
  { heal: async () => void (await stack.pool.query(takeBack)) },
);
