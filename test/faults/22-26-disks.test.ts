import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { mountLoopDisk, type LoopDisk } from "#test/support/loop-disk.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { faultsOn } from "./support/fault.ts";
import { startDatabaseOnDisk, type DatabaseOnDisk } from "./support/database-on-disk.ts";
import { postWebhook, pullRequestPayload } from "./support/post-webhook.ts";
import { deliveryState, expectLive, hostOf, repository } from "./support/sites.ts";

const production = "www.one.localhost";
const mebibyte = 2 ** 20;
/** What DISK_LOW_WATERMARK says, below which the worker makes room and takes no builds. */
const watermark = 16 * mebibyte;
/** Of the releases, of what the worker remembers with its clones, and of PostgreSQL: ext4 on loop devices, each full when it is full. */
let sites: LoopDisk;
let state: LoopDisk;
let database: DatabaseOnDisk;
let stack: Stack;
const fault = faultsOn(() => stack);
let repositoryId: number;
/** Two previews of 8 MiB each, the older one first. */
let pulls: { number: number; branch: string }[];

beforeAll(async () => {
  sites = await mountLoopDisk({ bytes: 56 * mebibyte, inodes: 2_000 });
  state = await mountLoopDisk({ bytes: 48 * mebibyte });
  database = await startDatabaseOnDisk(256 * mebibyte);
  stack = await startStack({
    database: { url: database.url, drop: async () => undefined },
    env: {
      central: { RECONCILE_INTERVAL: "2s" },
      worker: { SITES_DIR: join(sites.folder, "sites"), STATE_DIR: join(state.folder, "state"), DISK_LOW_WATERMARK: "16m" },
    },
  });
  ({ id: repositoryId } = await stack.forge.createRepository({ ...repository, files: page("main") }));
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: repository.owner,
      githubRepo: repository.name,
      environment: "one",
      domain: "one.localhost",
      subdomain: "www",
      siteType: SiteType.CUSTOM,
      buildCommand: "mkdir out && cp index.html out && sh build.sh",
      outputDir: "out",
    },
  });
  pulls = [await openPull("older"), await openPull("newer")];
}, podmanHookTimeout);
afterAll(async () => {
  await stack?.stop();
  await database?.remove();
  await state?.remove();
  await sites?.remove();
});

/** Every disk has room again. */
async function heal(): Promise<void> {
  for (const disk of [sites, state, database.disk]) await disk.free();
  await database.revive();
}

/** A page whose output is also what `build`, a script, puts into out. */
function page(text: string, build = ""): Record<string, string> {
  return { "index.html": text, "build.sh": build };
}

async function push(branch: string, text: string, build?: string): Promise<string> {
  return (await stack.forge.pushFiles({ ...repository, branch, files: page(text, build) })).sha;
}

const large = "head -c 8M /dev/urandom >out/large.bin";

async function openPull(branch: string): Promise<{ number: number; branch: string }> {
  const sha = await push(branch, `${branch} 1`, large);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await expectLive(stack, hostOf(number), sha);
  return { number, branch };
}

const served = async (host: string) => visit(stack.workers[0]!.sitesPort, host);

async function failureOf(commit: string): Promise<string | null | undefined> {
  return eventually(async () => {
    const { rows } = await stack.pool.query<{ state: string; reason: string | null }>(
      "select state, failure_reason as reason from deployment_history where commit_sha = $1 order by generation desc limit 1",
      [commit],
    );
    expect(rows[0]?.state).toBe("failed");
    return rows[0]?.reason;
  });
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

async function stateOf(host: string): Promise<string | undefined> {
  const { rows } = await stack.pool.query<{ state: string }>("select state from sites where host = $1", [host]);
  return rows[0]?.state;
}

fault(
  "faults 22 and 23: when the disk is nearly full the preview that was deployed longest ago makes room, says so, and comes back with its next commit",
  async () => {
    const [older, newer] = pulls.map(({ number }) => hostOf(number));
    // What the older one gives back, its 8 MiB, is enough.
    await sites.leave(watermark - 2 * mebibyte);
    await eventually(async () => {
      await readiness();
      expect((await served(older!)).status).toBe(404);
    });
    await eventually(async () => expect(await stateOf(older!)).toBe("evicted"));
    expect([(await served(newer!)).status, (await served(production)).status]).toEqual([200, 200]);
    await eventually(async () => {
      const [comment] = await stack.forge.comments({ ...repository, number: pulls[0]!.number });
      expect(comment?.body).toMatch(/make room/);
    });
    await sites.free();
    await eventually(async () => expect(await readiness()).toMatch(/^200/));
    await expectLive(stack, older!, await push("older", "older back", large));
    expect((await served(older!)).body).toBe("older back");
  },
  { heal },
);

fault(
  "faults 22 and 23: a disk on which no room can be made takes no builds and says why; production and its rollbacks stay, and builds go on once there is room",
  async () => {
    const { rows } = await stack.pool.query<{ id: bigint }>("select id from sites where host = $1", [production]);
    const releases = async (): Promise<string[]> => readdir(join(sites.folder, "sites/sites", String(rows[0]?.id), "releases"));
    for (const text of ["first", "second"]) await expectLive(stack, production, await push("main", text));
    const before = await releases();
    expect(before.length).toBeGreaterThan(1);
    // What all previews give back is not enough.
    await sites.leave(mebibyte);
    await eventually(async () => {
      await readiness();
      for (const { number } of pulls) expect(await stateOf(hostOf(number))).toBe("evicted");
    });
    await sites.leave(watermark / 2);
    const why = /disk: \d+ MiB of \d+ MiB are free, less than the 16 MiB/;
    await eventually(async () => expect(await readiness()).toMatch(new RegExp(`^503[^]*${why.source}`)));
    const third = await push("main", "third");
    const older = await push("older", "older at last");
    await eventually(async () => {
      const waiting = await stack.pool.query("select waiting from deployment_history where commit_sha = any($1)", [
        [third, older],
      ]);
      expect(waiting.rows).toEqual([{ waiting: "not_ready" }, { waiting: "not_ready" }]);
    });
    await eventually(async () => {
      const [comment] = await stack.forge.comments({ ...repository, number: pulls[0]!.number });
      expect(comment?.body).toMatch(why);
    });
    expect((await served(production)).body).toBe("second");
    expect(await releases()).toEqual(before);
    await sites.free();
    await expectLive(stack, production, third);
    await expectLive(stack, hostOf(pulls[0]!.number), older);
  },
  { heal },
);

fault(
  "fault 22: a clone that the worker's disk has no room for fails and says so, what is served stays, and the next one is live",
  async () => {
    const { number, branch } = pulls[0]!;
    const before = (await served(hostOf(number))).body;
    await state.leave(watermark + 2 * mebibyte);
    const files = { ...page("too large to clone"), "large.bin": randomBytes(24 * mebibyte) };
    const { sha } = await stack.forge.pushFiles({ ...repository, branch, files });
    expect(await failureOf(sha)).toBe("worker_disk_full");
    expect((await served(hostOf(number))).body).toBe(before);
    expect(await readdir(join(state.folder, "state/clones"))).toEqual([]);
    await state.free();
    await expectLive(stack, hostOf(number), await push(branch, "older 2"));
  },
  { heal },
);

/** What a build's output does to the disk of the releases, by the script that makes it. */
async function expectRefused(build: string): Promise<void> {
  const { number, branch } = pulls[1]!;
  const before = (await served(hostOf(number))).body;
  expect(await failureOf(await push(branch, "too much", build))).toBe("worker_disk_full");
  expect((await served(hostOf(number))).body).toBe(before);
  await expectLive(stack, hostOf(number), await push(branch, `room for more than ${build}`));
}

fault(
  "fault 23: an output that the releases' disk has no room for fails and says so, and the old release is served whole",
  async () => expectRefused("head -c 64M /dev/zero >out/zeros"),
  { heal },
);

fault(
  "fault 26: an output of more names than the releases' disk has fails and says so, and the old release is served whole",
  async () => expectRefused("mkdir out/many; seq 3000 | sed s,^,out/many/, | xargs touch"),
  { heal },
);

fault(
  "fault 24: a generation that cannot be made durable at the switch is not served, and is tried again or followed by the next once there is room",
  async () => {
    const { number, branch } = pulls[0]!;
    const before = (await served(hostOf(number))).body;
    const { daemon } = stack.workers[0]!;
    daemon.arm("publish.before-fence:sleep=3000");
    const sha = await push(branch, "not durable");
    await eventually(async () => expect(await daemon.log()).toContain("failpoint publish.before-fence: sleep"));
    // However long the filling takes.
    daemon.pause();
    await state.leave(0);
    daemon.arm("");
    daemon.resume();
    expect(await failureOf(sha)).toBe("worker_disk_full");
    expect((await served(hostOf(number))).body).toBe(before);
    await state.free();
    await expectLive(stack, hostOf(number), await push(branch, "durable again"));
  },
  { heal },
);

fault(
  "fault 25: while PostgreSQL's disk is full no delivery is answered 2xx that is not stored, and all goes on once there is room",
  async () => {
    const payload = { ...pullRequestPayload({ repositoryId, number: 1_000, commit: "a".repeat(40), action: "labeled" }) };
    // What compresses would not fill the disk.
    const post = async (bytes: number) =>
      postWebhook(stack, {
        central: 0,
        event: "pull_request",
        payload: { ...payload, filler: randomBytes(bytes).toString("base64") },
      });
    const before = await post(1_000);
    expect(before.status).toBe(202);
    await database.disk.leave(0);
    const during = [before];
    // Until what PostgreSQL had in reserve is used up.
    await eventually(async () => {
      const answer = await post(4 * mebibyte);
      during.push(answer);
      expect(answer.status).toBe(503);
    });
    during.push(await post(4 * mebibyte));
    await database.disk.free();
    await database.revive();
    await eventually(async () => expect((await post(1_000)).status).toBe(202));
    for (const { guid, status } of during)
      if (status === 202) await eventually(async () => expect(await deliveryState(stack, guid)).toBe("ignored"));
    const { number, branch } = pulls[0]!;
    await expectLive(stack, hostOf(number), await push(branch, "after the database's disk"));
  },
  { heal },
);
