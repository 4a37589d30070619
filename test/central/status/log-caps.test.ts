import { expect, test, beforeAll, afterAll } from "vitest";
import type { Pool } from "pg";
import { createPool } from "#central/database/pool.ts";
import { insertLogLines, maxLogBytes } from "#central/status/sql/insert-log-lines.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
let pool: Pool;
let deployment: bigint;

beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
  const { rows } = await pool.query<{ id: bigint }>(
    `with environment as (
       insert into environments (name, domain_suffixes, sites_url) values ('one', '{one.test}', 'https://{host}') returning id
     ), config as (
       insert into deployment_config
         (github_org, github_repo, repository_id, installation_id, default_branch, environment_id, domain, preview_label)
       select 'acme', 'site', 1, 1, 'main', id, 'one.test', 'site' from environment returning id
     )
     insert into sites (config_id, repository_id, kind, host, generation) select id, 1, 'production', 'one.test', 1 from config returning id`,
  );
  const made = await pool.query<{ id: bigint }>(
    `insert into deployment_history (site_id, generation, commit_sha, branch, state) values ($1, 1, repeat('a', 40), 'main', 'queued') returning id`,
    [rows[0]!.id],
  );
  deployment = made.rows[0]!.id;
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const insert = async (first: bigint, lines: string[]): Promise<void> =>
  withTransaction(pool, async (client) => insertLogLines(client, deployment, first, lines));

async function stored(): Promise<{ lines: number; bytes: number; counted: number }> {
  const { rows } = await pool.query<{ lines: number; bytes: number; counted: number }>(
    `select count(*)::int as lines, coalesce(sum(octet_length(line)), 0)::int as bytes,
       (select log_bytes::int from deployment_history where id = $1) as counted
     from deployment_log_lines where deployment_id = $1`,
    [deployment],
  );
  return rows[0]!;
}

test("a log is bounded in bytes: what is over the cap is dropped, and shorter lines after it too", async () => {
  await insert(1n, ["one", "twö"]);
  await insert(1n, ["one", "twö", "three"]);
  expect(await stored()).toEqual({ lines: 3, bytes: 12, counted: 12 });
  const line = "x".repeat(4_000);
  let next = 4n;
  for (let batch = 0; batch < 3; batch += 1) {
    await insert(
      next,
      Array.from({ length: 1_000 }, () => line),
    );
    next += 1_000n;
  }
  const full = await stored();
  expect(full.bytes).toBeLessThanOrEqual(Number(maxLogBytes));
  expect(full.bytes).toBeGreaterThan(Number(maxLogBytes) - 4_000);
  expect(full.counted).toBe(Number(maxLogBytes));
  await insert(next, ["short"]);
  expect((await stored()).lines).toBe(full.lines);
});
