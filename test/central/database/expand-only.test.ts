import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { findContractSteps } from "./find-contract-steps.ts";

const migrations = new URL("../../../central/database/migrations/", import.meta.url);

test("every migration only adds, so that the version before runs beside it; one that does more gives its reason as `-- contract: …`", async () => {
  const names = await readdir(migrations);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names)
    expect({ name, steps: findContractSteps(await readFile(new URL(name, migrations), "utf8")) }).toEqual({ name, steps: [] });
});

test.each([
  "create table a (b text not null unique); create unique index on a (b); alter table a alter column b set not null",
  "alter table a add column b text not null default '', add column c int check (c > 0)",
  "alter table a add column b bigint generated always as identity not null",
  "alter table a add column b text; alter table a add check ((b is null) or c); create unique index on a (c) where b is null",
  "alter table a alter column b drop not null",
  "create index on a (b); create function f() returns int language sql as $$ drop table a; $$",
  "create trigger t after insert on a for each row execute function f()",
  "insert into a (b) values ('; drop table a;'); update a set b = 1 -- ; drop table a",
  "-- contract: no version that still runs reads it\nalter table a drop column b",
  "do $$ begin\n  create index on a (b);\nend $$;",
])("is expand-only: %s", (sql) => {
  expect(findContractSteps(sql)).toEqual([]);
});

test.each([
  ["drop table a", "drops something"],
  ["DROP INDEX a", "drops something"],
  ["alter table a drop column b", "drops something"],
  ["alter table a drop constraint b", "drops something"],
  ["alter table a alter column b drop default", "drops something"],
  ["alter table a rename to b", "renames"],
  ["alter table a rename column b to c", "renames"],
  ["alter type a rename value 'b' to 'c'", "renames"],
  ["alter table a alter column b type bigint", "changes a type"],
  ["alter table a alter b set data type bigint", "changes a type"],
  ["alter table a alter column b set not null", "demands a value"],
  ["alter table a add column b text, add column c text not null", "demands a value of a column"],
  ["alter table a add check (b > 0)", "adds a rule"],
  ["alter table a add constraint c foreign key (b) references d", "adds a rule"],
  ["create unique index on a (b)", "adds a rule"],
  ["create trigger t before update on a for each row execute function f()", "may refuse"],
  ["create or replace function f() returns int language sql as $$ select 1 $$", "replaces"],
  ["alter table a enable row level security", "hides rows"],
  ["truncate a", "deletes rows"],
  ["delete from a", "deletes rows"],
  ["alter table a add column b int;\n-- what b is for\nalter table c drop column d", "drops something"],
  ["-- contract: for the first alone\nalter table a drop column b; alter table a drop column c", "drops something"],
  ["-- contract:\nalter table a drop column b", "drops something"],
  ["do $$ begin\n  alter table a drop column b;\nexception when others then null;\nend $$", "drops something"],
])("is more than expanding: %s", (sql, why) => {
  const steps = findContractSteps(sql);
  expect(steps).toHaveLength(1);
  expect(steps[0]?.why).toContain(why);
});
