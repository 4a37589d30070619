import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { listFiles } from "#test/support/list-entries.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";

const repository = { owner: "acme", name: "secretive" };
const host = "pr-1-secretive.one.localhost";
/** How every token of the forge looks, and how the clone's header begins in base64. */
const anyToken = /ghs_[A-Za-z0-9]{10,}|eC1hY2Nlc3MtdG9rZW46Z2hz[A-Za-z0-9+/]{8,}/;
/** A build that says all it can find, and waits while it is looked at from outside. */
const command = [
  "mkdir -p out",
  "{ env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; find / -xdev -name .git; cat /proc/mounts; } > out/index.html 2>/dev/null",
  "cat out/index.html",
  "echo WAITING",
  "sleep 5",
].join("; ");

let stack: Stack;
let podman: TestPodman;

beforeAll(async () => {
  stack = await startStack();
  podman = await useTestPodman();
  await stack.forge.createRepository({ ...repository, files: { "index.html": "x" } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: repository.owner,
      githubRepo: repository.name,
      environment: "one",
      domain: "one.localhost",
      subdomain: "secretive",
    },
  });
}, podmanHookTimeout);

afterAll(async () => {
  await podman?.release();
  await stack?.stop();
});

/** The process that may hold the header in its environment: git, which was given it so. */
const isGit = (program: string): boolean => /(^|\/)(git|git-[a-z-]+|sh)$/.test(program);

/** One look at every process of the machine: tokens that git has, and whatever else holds one. */
function lookAtProcesses(tokens: Set<string>, leaks: Set<string>): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const read = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, "latin1");
      } catch {
        // It ended, or belongs to somebody else.
        return "";
      }
    };
    const argv = read("cmdline");
    const environ = read("environ");
    const program = argv.split("\0")[0] ?? "";
    if (anyToken.test(argv)) leaks.add(`argv of ${program}`);
    if (!anyToken.test(environ)) continue;
    if (!isGit(program)) leaks.add(`environment of ${program || pid}`);
    const header = /Authorization: Basic ([A-Za-z0-9+/=]+)/.exec(environ)?.[1];
    const token = Buffer.from(header ?? "", "base64")
      .toString()
      .split(":")[1];
    if (token !== undefined) tokens.add(token);
  }
}

/** A token as it stands, in hex, and in base64 wherever it begins. */
function formsOf(token: string): string[] {
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.from("x".repeat(shift) + token)
      .toString("base64")
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [token, Buffer.from(token).toString("hex"), ...shifted];
}

/** Every file below a folder, as text, but for what a clone took with it meanwhile. */
async function* readTree(folder: string): AsyncGenerator<[string, string]> {
  for (const path of await listFiles(folder)) {
    try {
      yield [path, readFileSync(path, "latin1")];
    } catch {
      // A clone that went meanwhile.
    }
  }
}

async function* readDatabase(): AsyncGenerator<[string, string]> {
  const { rows: tables } = await stack.pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  for (const { name } of tables) {
    const { rows } = await stack.pool.query<{ text: string }>(`select t::text as text from ${name} t`);
    yield [`table ${name}`, rows.map(({ text }) => text).join("\n")];
  }
}

async function* readEverything(): AsyncGenerator<[string, string]> {
  const worker = stack.workers[0]!;
  for (const folder of [worker.stateDirectory, worker.sitesDirectory]) yield* readTree(folder);
  for (const file of [worker.daemon.logFile, stack.central.logFile]) yield [file, readFileSync(file, "latin1")];
  yield* readDatabase();
  for (const { Id } of await podman.podman.listContainers({ all: true }))
    yield [
      `container ${Id}`,
      JSON.stringify(
        await podman.podman
          .getContainer(Id)
          .inspect()
          .catch(() => ""),
      ),
    ];
  for (const { body } of await stack.forge.comments({ ...repository, number: 1 })) yield ["a comment", body];
}

async function findLeaks(tokens: Set<string>): Promise<{ leaks: string[]; looked: number }> {
  const leaks: string[] = [];
  const forms = [...tokens].flatMap(formsOf);
  let looked = 0;
  for await (const [where, text] of readEverything()) {
    looked++;
    if (anyToken.test(text) || forms.some((form) => text.includes(form))) leaks.push(where);
  }
  return { leaks, looked };
}

test("the clone's token is in no file, argv, environment, log, table, container or comment, and is revoked after the clone", async () => {
  const tokens = new Set<string>();
  const leaks = new Set<string>();
  const looking = { on: true };
  const looks = (async () => {
    for (; looking.on; await sleep(10)) lookAtProcesses(tokens, leaks);
  })();
  await stack.forge.pushFiles({
    ...repository,
    branch: "change",
    files: {
      ".deploy.json": JSON.stringify({ site_type: "custom", build_command: command, output_dir: "out" }),
      // Large enough for the clone to be met at work.
      "noise.bin": randomBytes(20_000_000),
    },
  });
  const { number } = await stack.forge.openPullRequest({ ...repository, head: "change" });
  expect(number).toBe(1);
  const during: string[] = [];
  await eventually(async () => {
    const { rows } = await stack.pool.query(
      "select from deployment_log_lines l join deployment_history d on d.id = l.deployment_id join sites s on s.id = d.site_id where s.host = $1 and line = 'WAITING'",
      [host],
    );
    during.push(...(await findLeaks(tokens)).leaks);
    expect(rows).toHaveLength(1);
  });
  await eventually(async () => {
    const { rows } = await stack.pool.query<{ state: string }>(
      "select d.state from deployment_history d join sites s on s.id = d.site_id where s.host = $1",
      [host],
    );
    expect(rows.map(({ state }) => state)).toEqual(["succeeded"]);
  });
  looking.on = false;
  await looks;
  // Without this, nothing was looked for.
  expect(tokens.size).toBeGreaterThan(0);
  const after = await findLeaks(tokens);
  expect(after.looked).toBeGreaterThan(10);
  expect([...during, ...after.leaks, ...leaks]).toEqual([]);
  for (const token of tokens) {
    await eventually(async () => {
      const answer = await fetch(`${stack.forge.apiUrl}/installation/repositories`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(answer.status).toBe(401);
    });
  }
});
