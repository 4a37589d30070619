import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { Forks } from "#gen/catapult/v1/operator_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { listFiles } from "#test/support/list-entries.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";

const base = { owner: "acme", name: "site" };
const secret = "s3cr3t-Of-7he-bu1ld_9f27c1a4e8-and-long-enough-to-be-wrapped-in-base64-by-default";
/** What would be left of it in any of its forms, by a part that each form has in one piece. */
const traces = [
  secret.slice(0, 20),
  secret.slice(-20),
  ...[0, 1, 2].map((offset) =>
    Buffer.from("x".repeat(offset) + secret.slice(0, 24))
      .toString("base64")
      .slice(4, 30),
  ),
  Buffer.from(secret.slice(0, 16)).toString("hex"),
];

const build = `#!/bin/bash
echo "the variable has \${#CONTENT_TOKEN} characters"
echo "raw [$CONTENT_TOKEN]"
for ((i = 0; i < \${#CONTENT_TOKEN}; i++)); do printf %s "\${CONTENT_TOKEN:i:1}"; done; echo
printf %s "$CONTENT_TOKEN" | base64
echo "token $CONTENT_TOKEN" | base64 -w0 >&2; echo >&2
printf %s "$CONTENT_TOKEN" | od -An -v -tx1 | tr -d ' '
echo "end of the log"
mkdir out
echo "<!doctype html><p>length \${#CONTENT_TOKEN}</p>" >out/index.html
if [[ -e fail ]]; then ln -s nowhere "out/link-to-$CONTENT_TOKEN"; fi
`;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  const { forge, operator } = stack;
  await forge.createRepository({ ...base, files: { "build.sh": build } });
  await forge.installApp(base);
  const names = { githubOrg: base.owner, githubRepo: base.name };
  // No commit is built before the variable is set.
  await stack.pool.query("update workers set enabled = false");
  await operator.createDeploymentConfig({
    deploymentConfig: {
      ...names,
      environment: "one",
      domain: "one.localhost",
      subdomain: "www",
      siteType: SiteType.CUSTOM,
      buildCommand: "bash build.sh",
      outputDir: "out",
      forks: Forks.ON,
    },
  });
  await operator.setBuildVariable({ ...names, variable: { name: "CONTENT_TOKEN", value: secret } });
  await stack.pool.query("update workers set enabled = true");
}, podmanHookTimeout);

afterAll(() => stack?.stop());

async function waitForPage(host: string, text: string): Promise<void> {
  await eventually(async () => {
    const answer = await visit(stack.workers[0]!.sitesPort, host);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toContain(text);
  }, 60_000);
}

async function logOf(host: string): Promise<string[]> {
  const { rows } = await stack.pool.query<{ line: string }>(
    `select l.line from deployment_log_lines l join deployment_history d on d.id = l.deployment_id
     join sites s on s.id = d.site_id where s.host = $1 order by d.id, l.line_number`,
    [host],
  );
  return rows.map((row) => row.line);
}

/** Every table, comment, daemon's log and file of the whole installation that holds any trace of the secret. */
async function findTraces(pulls: number): Promise<string[]> {
  const found: string[] = [];
  let looked = 0;
  const look = (where: string, text: string): void => {
    looked += 1;
    if (traces.some((trace) => text.toLowerCase().includes(trace.toLowerCase()))) found.push(where);
  };
  const { rows: tables } = await stack.pool.query<{ name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'graphile_worker')",
  );
  for (const { name } of tables) {
    const { rows } = await stack.pool.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
    for (const { row } of rows) look(name, row);
  }
  for (let number = 1; number <= pulls; number++)
    look(`comments of ${number}`, JSON.stringify(await stack.forge.comments({ ...base, number })));
  // A clone goes once its page is up: what goes meanwhile holds no trace.
  for (const path of await listFiles(stack.directory)) look(path, path + (await readFile(path, "latin1").catch(() => "")));
  expect(looked).toBeGreaterThan(50);
  return found;
}

test("a trusted build gets its variable and may print it in every form: no table, comment, log, release or file has it", async () => {
  await waitForPage("www.one.localhost", `length ${secret.length}`);
  await stack.forge.pushFiles({ ...base, branch: "change", files: { "a.txt": "a" } });
  await stack.forge.openPullRequest({ ...base, head: "change", base: "main" });
  await waitForPage("pr-1-site.one.localhost", `length ${secret.length}`);
  await eventually(async () => expect(await logOf("pr-1-site.one.localhost")).toContain("end of the log"));
  const lines = await logOf("pr-1-site.one.localhost");
  expect(lines).toContain(`the variable has ${secret.length} characters`);
  expect(lines).toContain("raw [***]");
  expect(lines).toContain("***");
  expect(await findTraces(1)).toEqual([]);
});

test("a failure that quotes a file named after the secret has it nowhere either", async () => {
  await stack.forge.pushFiles({ ...base, branch: "failing", from: "main", files: { fail: "" } });
  await stack.forge.openPullRequest({ ...base, head: "failing", base: "main" });
  await eventually(async () => {
    const [comment] = await stack.forge.comments({ ...base, number: 2 });
    expect(comment?.body).toContain("link-to-***");
  }, 60_000);
  expect(await findTraces(2)).toEqual([]);
});

test("a fork's build does not get it, also where forks are built without approval", async () => {
  const fork = await stack.forge.forkRepository({ ...base, by: "stranger" });
  await stack.forge.pushFiles({
    owner: fork.owner,
    name: fork.name,
    by: "stranger",
    branch: "theirs",
    from: "main",
    files: { "b.txt": "b" },
  });
  await stack.forge.openPullRequest({ ...base, head: `${fork.owner}:theirs`, base: "main", by: "stranger" });
  await waitForPage("pr-3-site.one.localhost", "length 0");
  expect(await logOf("pr-3-site.one.localhost")).toContain("raw []");
  expect(await findTraces(3)).toEqual([]);
});
