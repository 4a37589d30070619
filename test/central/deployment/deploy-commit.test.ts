import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Pool } from "pg";
import { createPool, withTransaction } from "#central/database/pool.ts";
import type { DesiredDeployment } from "#central/decision/decide.ts";
import { deployCommit } from "#central/deployment/deploy-commit.ts";
import { removeSite } from "#central/deployment/remove-site.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
let pool: Pool;
let config: { id: bigint; repositoryId: bigint };
let number = 0n;

beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
  await pool.query("insert into environments (name, domain_suffixes, sites_url) values ('one', '{x.test}', 'https://{host}')");
  const { rows } = await pool.query<{ id: bigint }>(
    `insert into deployment_config (github_org, github_repo, repository_id, installation_id, default_branch, environment_id, domain, preview_label)
     values ('acme', 'site', 7, 1, 'main', 1, 'x.test', 'site') returning id`,
  );
  config = { id: rows[0]?.id ?? 0n, repositoryId: 7n };
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => {
  number += 1n;
});

const a = "a".repeat(40);
const b = "b".repeat(40);

function desired(commit: string, held = false): DesiredDeployment {
  const site = { kind: "preview" as const, pullRequest: number, host: `pr-${number}-site.x.test` };
  return { site, commit, branch: "change", trust: "repository", held };
}

async function deploy(commit: string, seenGeneration: bigint, held = false) {
  return withTransaction(pool, async (client) =>
    deployCommit(client, config, desired(commit, held), { seenGeneration, deliveryGuid: undefined }),
  );
}

async function remove(seenGeneration: bigint) {
  return withTransaction(pool, async (client) => removeSite(client, config, number, { seenGeneration }));
}

async function states(): Promise<string[]> {
  const { rows } = await pool.query<{ text: string }>(
    `select d.generation || ' ' || left(d.commit_sha, 1) || ' ' || d.state as text
     from deployment_history d join sites s on s.id = d.site_id where s.pull_request = $1 order by d.generation`,
    [number],
  );
  return rows.map((row) => row.text);
}

test("a commit is deployed once, however often it is seen, by the newest generation seen", async () => {
  expect(await deploy(a, 0n)).toBe("applied");
  expect(await deploy(a, 1n)).toBe("unchanged");
  expect(await states()).toEqual(["1 a queued"]);
});

test("fault 08 a look from before another replica's change is not applied", async () => {
  expect(await deploy(b, 0n)).toBe("applied");
  expect(await deploy(a, 0n)).toBe("moved");
  expect(await states()).toEqual(["1 b queued"]);
});

test("of many looks at once one is applied, and generations have no gap", async () => {
  const results = await Promise.all([a, b, a, b, a, b].map(async (commit) => deploy(commit, 0n)));
  expect(results.filter((result) => result === "applied")).toHaveLength(1);
  expect(await states()).toHaveLength(1);
});

test("fault 40 A, then B, then A again are three generations, and the last one is pending", async () => {
  await deploy(a, 0n);
  await deploy(b, 1n);
  await deploy(a, 2n);
  expect(await states()).toEqual(["1 a superseded", "2 b superseded", "3 a queued"]);
});

test("what is held is not handed to a worker", async () => {
  await deploy(a, 0n, true);
  expect(await states()).toEqual(["1 a held"]);
  const { rowCount } = await pool.query(
    "select from graphile_worker.jobs j join sites s on j.key = 'dispatch:' || s.id where s.pull_request = $1",
    [number],
  );
  expect(rowCount).toBe(0);
});

test("a removal ends what is pending, happens once, and a reopened pull request is deployed again", async () => {
  await deploy(a, 0n);
  expect(await remove(0n)).toBe("moved");
  expect(await remove(1n)).toBe("applied");
  expect(await remove(2n)).toBe("unchanged");
  expect(await deploy(a, 2n)).toBe("applied");
  expect(await states()).toEqual(["1 a superseded", "3 a queued"]);
});

test("a host that another repository has is refused", async () => {
  await deploy(a, 0n);
  const host = desired(a).site.host;
  number += 100n;
  const taken = { ...desired(a), site: { kind: "preview" as const, pullRequest: number, host } };
  const result = await withTransaction(pool, async (client) =>
    deployCommit(client, config, taken, { seenGeneration: 0n, deliveryGuid: undefined }),
  );
  expect(result).toBe("host_taken");
});
