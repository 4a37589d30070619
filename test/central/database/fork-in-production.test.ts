import type { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool, withTransaction } from "#central/database/pool.ts";
import type { DesiredDeployment } from "#central/decision/decide.ts";
import { deployCommit } from "#central/deployment/deploy-commit.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
let pool: Pool;

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

const common = { commit: "a".repeat(40), branch: "main", held: false } as const;
const production = { kind: "production", host: "www.x.test" } as const;

async function deploy(desired: DesiredDeployment): Promise<unknown> {
  const config = { id: 1n, repositoryId: 7n };
  return withTransaction(pool, async (client) =>
    deployCommit(client, config, desired, { seenGeneration: 0n, deliveryGuid: undefined }),
  );
}

test("F1 the database itself refuses a fork's commit in production, whatever code asks for it, and nothing of it stays", async () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types refuse it; a mistake elsewhere would not ask them
  const hostile = { ...common, site: production, trust: "fork" } as unknown as DesiredDeployment;
  await expect(deploy(hostile)).rejects.toMatchObject({ constraint: "deployment_history_no_fork_in_production" });
  expect((await pool.query("select from sites")).rowCount).toBe(0);
});

test("F1 no row becomes a fork's in production afterwards: neither by its trust, nor by its site, nor by its site's kind", async () => {
  await deploy({ ...common, site: production, trust: "repository" });
  const site = { kind: "preview", pullRequest: 1n, host: "pr-1-site.x.test" } as const;
  await deploy({ ...common, site, trust: "fork" });
  const refused = { constraint: "deployment_history_no_fork_in_production" };
  await expect(pool.query("update deployment_history set trust = 'fork'")).rejects.toMatchObject(refused);
  await expect(
    pool.query(
      "update deployment_history set generation = 9, site_id = (select id from sites where kind = 'production') where trust = 'fork'",
    ),
  ).rejects.toMatchObject(refused);
  await expect(
    pool.query("update sites set kind = 'production', pull_request = null where kind = 'preview'"),
  ).rejects.toMatchObject({ constraint: "sites_kind_stays" });
});
