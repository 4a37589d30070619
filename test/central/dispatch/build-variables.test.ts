import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBuildRequest } from "#central/dispatch/build-request.ts";
import { openBuildVariables } from "#central/dispatch/open-build-variables.ts";
import { SealError } from "#central/database/seal.ts";
import { setBuildVariable } from "#central/operator/set-build-variable.ts";
import { createLogger } from "#common/logger.ts";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, startTestCentral, type TestCentral } from "../support/start-test-central.ts";

const value = 's3cr3t {["value"]}\nof two lines';
let central: TestCentral;
beforeAll(async () => {
  central = await startTestCentral();
});
afterAll(async () => central.stop());

async function selectSite(host: string): Promise<bigint> {
  return eventually(async () => {
    const { rows } = await central.pool.query<{ id: bigint }>("select id from sites where host = $1", [host]);
    if (rows[0] === undefined) throw new Error(`no site ${host}`);
    return rows[0].id;
  });
}

test("a build of the repository's own commit is sent its config's variables and nobody else's; they are nowhere in the database in the clear", async () => {
  await addRepository(central, "mine");
  await addRepository(central, "theirs");
  const set = async (repo: string, name: string, text: string) =>
    setBuildVariable(central.pool, central.secretKey, { githubOrg: "acme", githubRepo: repo, name, value: text });
  await set("mine", "SECRET", value);
  await set("theirs", "OTHER", "another-secret");
  await central.forge.pushFiles({ owner: "acme", name: "mine", branch: "change", from: "main", files: { "index.html": "two" } });
  const pull = await central.forge.openPullRequest({ owner: "acme", name: "mine", title: "x", head: "change", base: "main" });
  const build = await eventually(() => {
    const found = central.worker.builds.find((request) => request.host === `pr-${pull.number}-mine.one.test`);
    if (found === undefined) throw new Error("no build yet");
    return found;
  });
  expect(build.variables.map((variable) => [variable.name, variable.value])).toEqual([["SECRET", value]]);
  const { rows: tables } = await central.pool.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'graphile_worker')",
  );
  for (const { name } of tables) {
    const { rows } = await central.pool.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
    for (const { row } of rows) {
      expect(row).not.toContain("s3cr3t");
      expect(row).not.toContain(Buffer.from("s3cr3t").toString("hex"));
    }
  }
});

test("a fork's commit is given none, whatever else is said of it, and a key that does not fit gives none either", async () => {
  const siteId = await selectSite("pr-1-mine.one.test");
  const open = async (trust: "repository" | "fork", secretKey = central.secretKey) =>
    openBuildVariables({ pool: central.pool, secretKey }, siteId, { trust });
  expect(await open("repository")).toHaveLength(1);
  expect(await open("fork")).toEqual([]);
  await expect(open("repository", Buffer.alloc(32))).rejects.toThrow(SealError);
});

test("a build request that somebody logs shows names and no values", async () => {
  let written = "";
  const destination = new Writable({ write: (chunk, _encoding, done) => ((written += String(chunk)), done()) });
  const request = createBuildRequest(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rest of it is not looked at
    { siteId: 1n, sitesUrl: "https://{host}", host: "h.one.test", siteType: "auto" } as Parameters<typeof createBuildRequest>[0],
    {
      id: 1n,
      state: "queued",
      commit: "a".repeat(40),
      branch: "main",
      trust: "repository",
      fromRelease: null,
      traceparent: null,
    },
    "ghs_0123456789",
    [{ name: "SECRET", value }],
  );
  const text = JSON.stringify(request, (_, item: unknown) => (typeof item === "bigint" ? `${item}` : item));
  createLogger({ name: "test", destination }).info({ request: JSON.parse(text) }, "a request");
  expect(written).toContain("SECRET");
  expect(written).not.toContain("s3cr3t");
  expect(written).not.toContain("of two lines");
  expect(written).not.toContain("ghs_0123456789");
});
