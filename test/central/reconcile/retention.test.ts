import type { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { deleteWhatIsOld } from "#central/reconcile/delete-what-is-old.ts";
import { claimPeriodicWork } from "#central/reconcile/sql/claim-periodic-work.ts";
import { readFigures } from "#central/reconcile/read-figures.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { log } from "../support/test-log.ts";

const day = 86_400_000;
let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function sweep(): Promise<void> {
  await pool.query("delete from periodic_work where name = 'retention'");
  await deleteWhatIsOld({ pool, log }, { deliveriesMs: 30 * day, logsMs: 90 * day, historyMs: 180 * day });
}

/** As the tables are after years: rows of any age in any state, past the triggers that hold changes to their order. */
async function insertHistory(site: number, ages: { state: string; days: number; release?: boolean }[]): Promise<bigint[]> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("set local session_replication_role = replica");
    const ids: bigint[] = [];
    for (const [index, { state, days, release }] of ages.entries()) {
      const { rows } = await client.query<{ id: bigint }>(
        `insert into deployment_history (site_id, generation, commit_sha, branch, state, created_at, finished_at, release, failure_reason)
         values ($1, $2::bigint, repeat('a', 40), 'main', $3, now() - make_interval(days => $4), now() - make_interval(days => $4),
           case when $5 then $2 || '-aaaaaaaa' end, case when $3 = 'failed' then 'command_failed' end) returning id`,
        [site, index + 1, state, days, release ?? false],
      );
      ids.push(rows[0]!.id);
      await client.query("insert into deployment_log_lines values ($1, 1, 'one'), ($1, 2, 'two')", [rows[0]!.id]);
    }
    await client.query("update sites set generation = $2 where id = $1", [site, ages.length]);
    await client.query("commit");
    return ids;
  } finally {
    client.release();
  }
}

async function insertSite(host: string): Promise<number> {
  await pool.query(
    `insert into environments (name, domain_suffixes, sites_url) values ('one', '{one.test}', 'https://{host}') on conflict do nothing`,
  );
  await pool.query(
    `insert into deployment_config (github_org, github_repo, repository_id, installation_id, default_branch, environment_id, domain, preview_label)
     select 'acme', $1, hashtext($1)::bigint + 3000000000, 1, 'main', id, $1, 'label' from environments`,
    [host],
  );
  const { rows } = await pool.query<{ id: number }>(
    `insert into sites (config_id, repository_id, kind, host)
     select id, repository_id, 'production', domain from deployment_config where domain = $1 returning id`,
    [host],
  );
  return rows[0]!.id;
}

const left = async (site: number): Promise<number[]> => {
  const { rows } = await pool.query<{ generation: bigint }>(
    "select generation from deployment_history where site_id = $1 order by generation",
    [site],
  );
  return rows.map(({ generation }) => Number(generation));
};

test("old deployments go, but never what is live, the newest of a site, or what can be rolled back to", async () => {
  const site = await insertSite("history.one.test");
  const ids = await insertHistory(site, [
    { state: "succeeded", days: 400, release: true },
    { state: "failed", days: 399 },
    { state: "superseded", days: 398 },
    { state: "succeeded", days: 397, release: true },
    { state: "failed", days: 10 },
    { state: "failed", days: 300 },
  ]);
  await pool.query("update sites set live_deployment = $2 where id = $1", [site, ids[3]]);
  await sweep();
  expect(await left(site)).toEqual([1, 4, 5, 6]);
});

test("of many releases the 50 newest can be rolled back to, and the live one stays however old", async () => {
  const site = await insertSite("releases.one.test");
  const ids = await insertHistory(
    site,
    Array.from({ length: 60 }, (_, index) => ({ state: "succeeded", days: 400 - index, release: true })),
  );
  await pool.query("update sites set live_deployment = $2 where id = $1", [site, ids[2]]);
  await sweep();
  expect(await left(site)).toEqual([3, ...Array.from({ length: 50 }, (_, index) => 11 + index)]);
});

test("logs go before their deployments do, and the newest deployment's stay", async () => {
  const site = await insertSite("logs.one.test");
  const ids = await insertHistory(site, [
    { state: "failed", days: 100 },
    { state: "failed", days: 80 },
    { state: "failed", days: 100 },
  ]);
  await sweep();
  const { rows } = await pool.query<{ id: bigint }>(
    "select distinct deployment_id as id from deployment_log_lines where deployment_id = any($1) order by 1",
    [ids],
  );
  expect(rows.map(({ id }) => id)).toEqual([ids[1], ids[2]]);
  expect(await left(site)).toEqual([1, 2, 3]);
});

test("of a site that was removed all logs and all deployments but the newest go by their age, and its row and comment stay", async () => {
  const site = await insertSite("removed.one.test");
  const ids = await insertHistory(site, [
    { state: "succeeded", days: 400, release: true },
    { state: "succeeded", days: 300, release: true },
    { state: "succeeded", days: 100, release: true },
    { state: "succeeded", days: 200, release: true },
  ]);
  await pool.query("insert into deployment_egress values ($1, '192.0.2.1', 443, 'tcp', 1)", [ids[3]]);
  await pool.query("update sites set state = 'removing', comment_id = 77, generation = generation + 1 where id = $1", [site]);
  await sweep();
  expect(await left(site)).toEqual([1, 2, 3, 4]);
  await pool.query("update sites set state = 'removed' where id = $1", [site]);
  await sweep();
  expect(await left(site)).toEqual([3, 4]);
  const lines = await pool.query("select from deployment_log_lines where deployment_id = any($1)", [ids]);
  expect(lines.rowCount).toBe(0);
  expect((await pool.query("select from deployment_egress where deployment_id = any($1)", [ids])).rowCount).toBe(0);
  expect((await pool.query("select comment_id from sites where id = $1", [site])).rows).toEqual([{ comment_id: 77n }]);
});

test("deliveries go by the age of their end, in as many batches as it takes, and one that is still to be done never does", async () => {
  await pool.query(
    `insert into webhook_deliveries (guid, event, body, received_at, state, finished_at)
     select 'old-' || n, 'push', '{}', now() - interval '40 days', 'processed', now() - interval '31 days' from generate_series(1, 1200) n
     union all select 'dead-young', 'push', '{}', now() - interval '40 days', 'dead', now() - interval '29 days'
     union all select 'to-do', 'push', '{}', now() - interval '400 days', 'received', null`,
  );
  await sweep();
  const { rows } = await pool.query<{ guid: string }>("select guid from webhook_deliveries order by guid");
  expect(rows.map(({ guid }) => guid)).toEqual(["dead-young", "to-do"]);
});

test("nonces go once no signature in its window can repeat them, and so do jobs that failed too often", async () => {
  await pool.query(
    `insert into signature_nonces values ('k', 'old', now() - interval '2 minutes'), ('k', 'late', now() - interval '30 seconds')`,
  );
  await pool.query(
    "select graphile_worker.add_job('none', '{}', job_key := key, max_attempts := 1) from unnest(array['gone', 'kept']) key",
  );
  await pool.query(
    `update graphile_worker._private_jobs set attempts = 1, updated_at = now() - case key when 'gone' then interval '8 days' else interval '1 day' end
     where key in ('gone', 'kept')`,
  );
  expect(await readFigures(pool)).toMatchObject({ failedJobs: 2 });
  await sweep();
  expect((await pool.query("select nonce from signature_nonces")).rows).toEqual([{ nonce: "late" }]);
  expect((await pool.query("select key from graphile_worker.jobs where key in ('gone', 'kept')")).rows).toEqual([
    { key: "kept" },
  ]);
});

test("of any number of replicas one takes a turn, and the next turn comes when its time has passed", async () => {
  const turns = await Promise.all(Array.from({ length: 8 }, async () => claimPeriodicWork(pool, "a turn", 60)));
  expect(turns.filter(Boolean)).toHaveLength(1);
  await pool.query("update periodic_work set began_at = began_at - interval '61 seconds' where name = 'a turn'");
  expect(await claimPeriodicWork(pool, "a turn", 60)).toBe(true);
  expect(await claimPeriodicWork(pool, "a turn", 60)).toBe(false);
});
