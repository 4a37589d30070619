import { DatabaseError, type Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPool, withTransaction } from "#central/database/pool.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
let pool: Pool;
let number = 0;

beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
  await pool.query("insert into environments (name, domain_suffixes, sites_url) values ('one', '{x.test}', 'https://{host}')");
  await pool.query(
    `insert into deployment_config (github_org, github_repo, repository_id, installation_id, default_branch, environment_id, domain, preview_label)
     values ('acme', 'site', 7, 1, 'main', 1, 'x.test', 'site')`,
  );
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function addSite(state = "wanted"): Promise<bigint> {
  number += 1;
  const { rows } = await pool.query<{ id: bigint }>(
    `insert into sites (config_id, repository_id, kind, pull_request, host, generation, state)
     values (1, 7, 'preview', $1, $2, 5, $3) returning id`,
    [number, `pr-${number}.x.test`, state],
  );
  return rows[0]?.id ?? 0n;
}

/** What refused a statement, by its constraint, or that it changed its row. */
async function outcome(sql: string, values: unknown[]): Promise<unknown> {
  try {
    return (await pool.query(sql, values)).rowCount === 1 ? "changed" : "no row";
  } catch (error) {
    return error instanceof DatabaseError ? error.constraint : error;
  }
}

const columns = (state: string): string => `state = '${state}',
  lease_expires_at = ${running.includes(state) ? "now()" : "null"},
  finished_at = ${final.includes(state) ? "now()" : "null"},
  failure_reason = ${state === "failed" ? "'x'" : "null"}`;

/** A deployment in any state, as no code could make it. */
async function addDeployment(state: string): Promise<bigint> {
  const siteId = await addSite();
  return withTransaction(pool, async (client) => {
    await client.query("set local session_replication_role = replica");
    const { rows } = await client.query<{ id: bigint }>(
      `insert into deployment_history (site_id, generation, commit_sha, branch, state) values ($1, 5, $2, 'b', 'queued') returning id`,
      [siteId, "a".repeat(40)],
    );
    await client.query(`update deployment_history set ${columns(state)} where id = $1`, [rows[0]?.id]);
    return rows[0]?.id ?? 0n;
  });
}

const running = ["dispatched", "cloning", "building", "publishing"];
const final = ["succeeded", "failed", "canceled", "superseded", "lost"];
const states = ["held", "queued", ...running, ...final];

function mayBecome(from: string, to: string): boolean {
  if (from === to) return true;
  if (final.includes(from)) return false;
  if (from === "held") return to === "queued" || to === "canceled" || to === "superseded";
  if (to === "lost") return running.includes(from);
  if (from === "dispatched" && to === "queued") return true;
  return states.indexOf(to) > states.indexOf(from);
}

describe("the database lets a deployment move forward alone", () => {
  test.each(states)("from %s", async (from) => {
    for (const to of states) {
      const id = await addDeployment(from);
      const change = await outcome(`update deployment_history set ${columns(to)} where id = $1`, [id]);
      expect(change, `${from} → ${to}`).toBe(mayBecome(from, to) ? "changed" : "deployment_history_transition");
    }
  });
});

test("a deployment begins as held or queued, at its site's generation, and its commit and generation stay", async () => {
  const siteId = await addSite();
  const insert = async (state: string, generation: number) =>
    pool.query(
      `insert into deployment_history (site_id, generation, commit_sha, branch, state, lease_expires_at) values ($1, $2, $3, 'b', $4,
         case when $4 = 'building' then now() end)`,
      [siteId, generation, "a".repeat(40), state],
    );
  await expect(insert("building", 5)).rejects.toMatchObject({ constraint: "deployment_history_transition" });
  for (const generation of [4, 6])
    await expect(insert("queued", generation)).rejects.toMatchObject({ constraint: "deployment_history_generation" });
  await insert("queued", 5);
  for (const change of ["generation = 4", `commit_sha = '${"b".repeat(40)}'`, "trust = 'fork'"]) {
    const update = pool.query(`update deployment_history set ${change} where site_id = $1`, [siteId]);
    await expect(update).rejects.toMatchObject({ constraint: "deployment_history_stays" });
  }
});

describe("a site changes what is wanted of it only under a new generation, and its generation never falls", () => {
  const allowed: Record<string, string[]> = {
    wanted: ["removing", "evicted"],
    removing: ["removed", "wanted"],
    removed: ["wanted", "removing"],
    evicted: ["wanted", "removing"],
  };
  const all = Object.keys(allowed);
  test.each(all)("from %s", async (from) => {
    for (const to of all.filter((state) => state !== from)) {
      const id = await addSite(from);
      const change = async (generation: number) =>
        outcome("update sites set state = $2, generation = $3 where id = $1", [id, to, generation]);
      const isAllowed = allowed[from]?.includes(to);
      const atOnce = isAllowed ? (to === "removed" ? "changed" : "sites_generation_rises") : "sites_transition";
      expect(await change(5), `${from} → ${to} at the same generation`).toBe(atOnce);
      expect(await change(6), `${from} → ${to}`).toBe(isAllowed ? "changed" : "sites_transition");
    }
    const id = await addSite(from);
    await expect(pool.query("update sites set generation = 4 where id = $1", [id])).rejects.toMatchObject({
      constraint: "sites_generation_rises",
    });
  });
});
