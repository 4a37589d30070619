import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import { stopPodman } from "#local/podman/stop-podman.ts";
import { removePostgres } from "#local/postgres/start-postgres.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman } from "#test/support/podman.ts";
import { startUp, type UpProcess } from "#test/support/up-process.ts";
import { findUpTraces, noTraces } from "#test/support/up-traces.ts";
import { visit } from "#test/support/visit.ts";
import { exportImage } from "#worker/image/transfer-image.ts";

const repositoryRoot = path.join(import.meta.dirname, "../..");
const restartTimeout = 120_000;

let folder: string;
let stateDir: string;
let up: UpProcess;
let previewUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(await realpath(tmpdir()), "catapult-up-"));
  // Each of these signs has its own program to trip over it: shells, conmon (which reads bytes by the locale), printf, mount's options.
  stateDir = path.join(folder, "Ünser état & 50% (two)");
  await mkdir(path.join(stateDir, "image"), { recursive: true });
  const shared = await useTestPodman();
  try {
    await exportImage({
      podman: shared.podman,
      file: path.join(stateDir, "image/builder.tar"),
      reference: shared.imageReference,
    });
  } finally {
    await shared.release();
  }
  up = startUp(stateDir);
  await up.ready();
  previewUrl = /^ {2}Preview {6}(http:\S+)$/m.exec(up.output())?.[1] ?? "";
}, podmanHookTimeout);

afterAll(async () => {
  await stopPodman({ stateDir, log: () => undefined });
  for (const { pid } of (await findUpTraces(stateDir)).processes) process.kill(pid, "SIGKILL");
  await removePostgres(stateDir);
  await runCommand([...elevation(), "rm", "-rf", "--", folder]);
});

/** As a person's shell in another terminal would, with no Git configuration and no setting of Catapult's. */
async function sh(script: string): Promise<string> {
  const env = {
    PATH: `${path.dirname(process.execPath)}:${path.join(repositoryRoot, "node_modules/.bin")}:/usr/local/bin:/usr/bin:/bin`,
    HOME: folder,
  };
  return (await promisify(execFile)("sh", ["-euc", script], { env, cwd: repositoryRoot, timeout: 60_000 })).stdout;
}

/** The command that `up` prints for another shell: it reads the env file. */
function sourceCommand(): string {
  return /^ {2}(\. .+)$/m.exec(up.output())?.[1] ?? "false";
}

async function readStates(): Promise<string[]> {
  const client = new Client({ connectionString: (await sh(`${sourceCommand()}; printf %s "$DATABASE_URL"`)).trim() });
  await client.connect();
  try {
    const { rows } = await client.query<{ state: string }>("select state from deployment_history");
    return rows.map(({ state }) => state);
  } finally {
    await client.end();
  }
}

/** The page with its scripts: the sample's greeting is in one of them. */
async function readPreview(): Promise<string> {
  const { hostname, port } = new URL(previewUrl);
  const page = await visit(Number(port), hostname);
  expect(page.status).toBe(200);
  const scripts = [...page.body.matchAll(/src="([^"]+\.js)"/g)].map(async ([, src = ""]) => visit(Number(port), hostname, src));
  return [page, ...(await Promise.all(scripts))].map(({ body }) => body).join("\n");
}

async function query(sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: await sh(`${sourceCommand()}; printf %s "$DATABASE_URL"`) });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("it ends with the preview's URL, which answers, and the comment that names it", async () => {
  expect(up.output()).toMatch(/^ {2}Preview {6}http:\/\/pr-1-sample\.catapult\.localhost:\d+$/m);
  expect(await readPreview()).toContain("Hello from a pull request");
  const comment = up.output().split("The pull request's comment:")[1]?.split("Push the next commit")[0] ?? "";
  expect(comment).toContain(previewUrl);
});

test("a builder image in the state folder is taken in, and none is made", () => {
  expect(up.output()).toContain("builder image: taking in image/builder.tar");
  expect(up.output()).not.toContain("installing Debian");
});

test("the env file is for its owner alone, and points the command, a PostgreSQL client and buf at what runs", async () => {
  const { mode } = await stat(path.join(stateDir, "env"));
  expect((mode & 0o777).toString(8)).toBe("600");
  const configs = JSON.parse(await sh(`${sourceCommand()}; catapult configs list --json`));
  const expected = expect.objectContaining({ githubOrg: "demo", githubRepo: "sample", domain: "catapult.localhost" });
  expect(configs).toEqual([expected]);
  expect(await query("select host from sites where pull_request = 1")).toEqual([{ host: new URL(previewUrl).hostname }]);
  const answer = await sh(
    `${sourceCommand()}; buf curl --schema proto --cacert "$CATAPULT_CA_FILE" -H "Authorization: Bearer $CATAPULT_TOKEN" ` +
      `"$CATAPULT_CENTRAL_URL/catapult.v1.OperatorService/ListDeploymentConfigs"`,
  );
  expect(JSON.parse(answer)).toEqual({ deploymentConfigs: [expected] });
});

test("a second one in the same state folder is refused with the first one's pid, which runs on", async () => {
  const second = startUp(stateDir);
  expect(await second.exited).toBe(1);
  expect(second.output()).toContain(`Catapult runs already in ${stateDir}, as the process ${up.pid}. Stop that one first`);
  await expect(readPreview()).resolves.toContain("Hello from a pull request");
});

test(
  "the printed commands push the next commit, which is then at the same URL",
  async () => {
    const commands = up.output().split("reload the preview:")[1]?.split("In another shell")[0] ?? "false";
    await sh(commands);
    await eventually(async () => expect(await readPreview()).toContain("Good morning from a pull request"));
  },
  restartTimeout,
);

test(
  "Ctrl-C stops all of it: no process, mount, container or network of it is left",
  async () => {
    expect((await findUpTraces(stateDir)).processes.length).toBeGreaterThan(4);
    up.interrupt();
    expect(await up.exited).toBe(0);
    expect(up.output()).toMatch(/Stopped\.\n$/);
    expect(await findUpTraces(stateDir)).toEqual(noTraces);
  },
  restartTimeout,
);

test(
  "the next start finds the sites as they were, at the same URL, and builds nothing",
  async () => {
    up = startUp(stateDir);
    await up.ready();
    expect(up.output()).toContain(previewUrl);
    expect(up.output()).not.toContain("taking in");
    expect(await readPreview()).toContain("Good morning from a pull request");
    expect(
      await query("select count(*) from sites s join deployment_history d on d.site_id = s.id where pull_request = 1"),
    ).toEqual([{ count: "2" }]);
  },
  restartTimeout,
);

test(
  "one that was killed in the middle of a build is cleaned up by the next start, which builds that commit",
  async () => {
    const clone = `'${path.join(stateDir, "sample")}'`;
    await sh(`cd ${clone}; sed -i 's/Good morning/Good evening/' src/greeting.js; git commit -qam 'Good evening'; git push -q`);
    await eventually(async () => expect(await readStates()).toContain("building"));
    const { bridges, networks, containers } = await findUpTraces(stateDir);
    expect(Math.min(bridges.length, networks.length, containers.length)).toBeGreaterThan(0);
    up.kill();
    expect(await up.exited).toBe("SIGKILL");
    expect((await findUpTraces(stateDir)).processes).not.toEqual([]);
    up = startUp(stateDir);
    await up.ready();
    // Central gives the build out again once the lease of the one that was cut short has ended: 30 s.
    await eventually(async () => expect(await readPreview()).toContain("Good evening from a pull request"), 80_000);
  },
  restartTimeout,
);

test(
  "a terminal that is closed stops all of it in order, though nobody reads what it says",
  async () => {
    up.hangUp();
    expect(await up.exited).toBe(0);
    expect(await findUpTraces(stateDir)).toEqual(noTraces);
  },
  restartTimeout,
);
