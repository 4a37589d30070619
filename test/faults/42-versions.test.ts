import { afterAll, beforeAll, expect, test } from "vitest";
import { NewerSchemaError } from "#central/database/migrate.ts";
import { eventually } from "#test/support/eventually.ts";
import {
  addRepository,
  selectDeployments,
  startTestCentral,
  type TestCentral,
} from "#test/central/support/start-test-central.ts";

let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral({ replicas: 2 });
});
afterAll(async () => central.stop());

/** What the next version does to the schema: it adds, and takes nothing away that this one uses. */
const expand = `
  alter table sites add column next_version text;
  alter table deployment_history add column next_version jsonb not null default '{}';
  create table next_version (site_id bigint primary key references sites on delete cascade);
  insert into schema_migrations (number, name) values (9001, '9001_next_version.sql');`;

test("fault 42: Centrals of this version go on beside the next one's schema, and none of them starts on it any more", async () => {
  await addRepository(central, "versions");
  await eventually(async () => expect(await selectDeployments(central.pool, "versions.one.test")).toHaveLength(1));
  await central.pool.query(expand);
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "versions", branch: "main", files: { a: "1" } });
  await eventually(async () => {
    expect((await selectDeployments(central.pool, "versions.one.test")).at(-1)).toMatchObject({
      commit: sha,
      state: "dispatched",
    });
  });
  const refused = central.start();
  await expect(refused).rejects.toThrow(NewerSchemaError);
  await expect(refused).rejects.toThrow(/9001_next_version\.sql.*newer one/);
  // The refusal has touched nothing: those that run still take work.
  const next = await central.forge.pushFiles({ owner: "acme", name: "versions", branch: "main", files: { a: "2" } });
  await eventually(async () => {
    expect((await selectDeployments(central.pool, "versions.one.test")).at(-1)?.commit).toBe(next.sha);
  });
});
