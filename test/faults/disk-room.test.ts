import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elevation } from "#local/podman/elevation.ts";
import { eventually } from "#test/support/eventually.ts";
import { checkInvariants } from "#test/support/invariants.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { addSite, expectLive, hostOf, repository } from "./support/sites.ts";

const run = promisify(execFile);
const production = "www.one.localhost";
const mebibyte = 2 ** 20;
let folder: string;
/** A disk of 48 MiB, of which 16 are to stay free. */
let disk: string;
let stack: Stack;
/** Two previews of 8 MiB each, the older one first. */
let pulls: { number: number; branch: string }[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-room-"));
  disk = join(folder, "disk");
  await mkdir(disk);
  await elevated(["mount", "-t", "tmpfs", "-o", "size=48m,mode=1777", "tmpfs", disk]);
  stack = await startStack({ env: { worker: { SITES_DIR: join(disk, "sites"), DISK_LOW_WATERMARK: "16m" } } });
  await addSite(stack);
  pulls = [await openPull("older"), await openPull("newer")];
}, podmanHookTimeout);
afterAll(async () => {
  await stack?.stop();
  await elevated(["umount", disk]);
  await rm(folder, { recursive: true, force: true });
});

async function elevated(command: string[]): Promise<void> {
  const [program = "true", ...rest] = [...elevation(), ...command];
  await run(program, rest);
}

async function openPull(branch: string): Promise<{ number: number; branch: string }> {
  const sha = await push(branch);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await expectLive(stack, hostOf(number), sha);
  return { number, branch };
}

async function push(branch: string): Promise<string> {
  const files = { "index.html": branch, "large.bin": randomBytes(8 * mebibyte) };
  return (await stack.forge.pushFiles({ ...repository, branch, files })).sha;
}

/** Takes space away, as something else on the same disk would. */
async function fill(name: string, size: number): Promise<void> {
  await run("fallocate", ["-l", String(size), join(disk, name)]);
}

function readiness(): Promise<string> {
  return new Promise((settle, refuse) => {
    get(`${stack.workers[0]!.url}/readyz`, { ca: stack.ca, agent: false }, (response) => {
      let text = `${response.statusCode} `;
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => settle(text));
    }).on("error", refuse);
  });
}

const status = async (host: string): Promise<number> => (await visit(stack.workers[0]!.sitesPort, host)).status;

async function stateOf(host: string): Promise<string | undefined> {
  const { rows } = await stack.pool.query<{ state: string }>("select state from sites where host = $1", [host]);
  return rows[0]?.state;
}

test("when the disk is nearly full the preview that was deployed longest ago makes room, says so, and comes back with its next commit", async () => {
  const [older, newer] = pulls.map(({ number }) => hostOf(number));
  await fill("other", 18 * mebibyte);
  await eventually(async () => {
    await readiness();
    expect(await status(older!)).toBe(404);
  });
  await eventually(async () => expect(await stateOf(older!)).toBe("evicted"));
  expect([await status(newer!), await status(production)]).toEqual([200, 200]);
  await eventually(async () => {
    const [comment] = await stack.forge.comments({ ...repository, number: pulls[0]!.number });
    expect(comment?.body).toMatch(/make room/);
  });
  await rm(join(disk, "other"));
  await eventually(async () => expect(await readiness()).toMatch(/^200/));
  await expectLive(stack, older!, await push("older"));
  expect(await status(older!)).toBe(200);
});

test("a disk on which no room can be made takes no builds and says why; production and its rollbacks stay, and builds go on once there is room", async () => {
  const { rows } = await stack.pool.query<{ id: bigint }>("select id from sites where host = $1", [production]);
  const second = await stack.forge.pushFiles({ ...repository, branch: "main", files: { "index.html": "second" } });
  await expectLive(stack, production, second.sha);
  const releases = async (): Promise<string[]> => readdir(join(disk, "sites/sites", String(rows[0]?.id), "releases"));
  const before = await releases();
  expect(before).toHaveLength(2);
  // What both previews give back is enough; then something else takes that too.
  await fill("other", 31 * mebibyte);
  await eventually(async () => {
    await readiness();
    for (const { number } of pulls) expect(await stateOf(hostOf(number))).toBe("evicted");
  });
  await fill("more", 12 * mebibyte);
  await eventually(async () =>
    expect(await readiness()).toMatch(/^503[^]*disk: \d+ MiB of 48 MiB are free, less than the 16 MiB/),
  );
  const third = await stack.forge.pushFiles({ ...repository, branch: "main", files: { "index.html": "third" } });
  const older = await push("older");
  await eventually(async () => {
    const waiting = await stack.pool.query("select waiting from deployment_history where commit_sha = any($1)", [
      [third.sha, older],
    ]);
    expect(waiting.rows).toEqual([{ waiting: "not_ready" }, { waiting: "not_ready" }]);
  });
  await eventually(async () => {
    const [comment] = await stack.forge.comments({ ...repository, number: pulls[0]!.number });
    expect(comment?.body).toMatch(/disk: \d+ MiB of 48 MiB are free/);
  });
  expect((await visit(stack.workers[0]!.sitesPort, production)).body).toBe("second");
  expect(await releases()).toEqual(before);
  for (const name of ["other", "more"]) await rm(join(disk, name));
  await expectLive(stack, production, third.sha);
  await expectLive(stack, hostOf(pulls[0]!.number), older);
  await checkInvariants(stack);
}, 90_000);
