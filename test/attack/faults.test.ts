import { execFile } from "node:child_process";
import { createConnection, createServer, type Socket } from "node:net";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elevation } from "#local/podman/elevation.ts";
import { attack, attackLimits, expectNextBuild } from "#test/support/attack.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import { listLeft, packFiles } from "#test/worker/sandbox/harness.ts";
import { makeOwnLink, type OwnLink } from "#test/worker/sandbox/own-link.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { runInSandbox } from "#worker/sandbox/run-in-sandbox.ts";
import { sweepSandboxes } from "#worker/sandbox/sweep-sandboxes.ts";

let podman: TestPodman;
let folder: string;
/** What a build reaches for sure while its network stands. */
let link: OwnLink;
beforeAll(async () => {
  podman = await useTestPodman();
  link = await makeOwnLink("198.51.100");
  folder = await mkdtemp(join(tmpdir(), "catapult-fault-"));
}, podmanHookTimeout);
afterAll(async () => {
  await link.remove();
  await rm(folder, { recursive: true, force: true });
  await podman.release();
});

const slow = "echo started; sleep 4; mkdir out; echo x >out/x";

/** The pid of the monitor of a container: its arguments name the container and no exec. */
async function findMonitor(id: string): Promise<number> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")).split("\0");
    if (/\bconmon$/.test(words[0] ?? "") && words.includes(id) && !words.includes("--exec-process-spec")) return Number(pid);
  }
  throw new Error(`no monitor of ${id} runs`);
}

// At once: of a container without a monitor Podman tells the end after 20 s only, and the others wait as well.
test.concurrent("fault 16 the build's monitor is killed: the build fails, or its output is whole, and nothing stays", async () => {
  const { failure, files } = await attack(podman, {
    command: slow,
    limits: { ...attackLimits, timeoutMs: 30_000 },
    when: {
      says: "started",
      run: async (watch) => void process.kill(await findMonitor(watch.find("build").id), "SIGKILL"),
    },
  });
  // The entry script moves the output as its last step, so a success without a monitor is one all the same.
  expect(failure === undefined ? files : {}).toEqual(failure === undefined ? { x: "x\n" } : {});
  await expectNextBuild(podman);
});

test.concurrent("fault 16 Podman's service goes away in the middle: the build fails as the sandbox's fault, and what it left is found by its label", async () => {
  const socket = join(folder, "proxy.sock");
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = createConnection(podman.socket);
    for (const end of [client, server]) {
      open.add(end);
      end.on("error", () => undefined).on("close", () => open.delete(end));
    }
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(socket, resolve));
  const networkName = "ctattack-service";
  const result = await runInSandbox({
    podman: connectPodman(socket),
    imageReference: podman.imageReference,
    seccompProfile: podman.seccompProfile,
    limits: attackLimits,
    ...readSurroundings(),
    networkName,
    labels: {},
    writeSource: () => packFiles({}),
    rootDir: "",
    outputDir: "out",
    command: "echo started; sleep 60",
    devshell: "default",
    environment: {},
    signal: new AbortController().signal,
    onLine: (line) => {
      if (line !== "started") return;
      proxy.close();
      for (const end of open) end.destroy();
    },
  }).catch((error: unknown) => error);
  expect(result).not.toMatchObject({ ok: true });
  expect((await listLeft(podman, networkName)).length).toBeGreaterThan(0);
  expect(await sweepSandboxes(podman.podman, networkName)).toBeGreaterThan(0);
  await eventually(async () => expect(await listLeft(podman, networkName)).toEqual([]));
  await expectNextBuild(podman);
});

const reach = `
  const net = require("node:net");
  const once = () => new Promise((done) => {
    const socket = net.connect({ host: process.argv[2], port: Number(process.argv[3]), timeout: 2000 });
    const end = (word) => () => { socket.destroy(); done(word); };
    socket.on("connect", end("connected")).on("timeout", end("cut off")).on("error", end("cut off"));
  });
  (async () => {
    console.log("before", await once());
    // Long, since a busy machine takes its time to cut; it ends as soon as it is cut.
    let answer = "connected";
    for (const until = Date.now() + 20000; answer === "connected" && Date.now() < until; answer = await once())
      await new Promise((done) => setTimeout(done, 500));
    console.log("after", answer);
    process.exit(0);
  })();`;

test.concurrent("fault 17 the holder dies with the network: the build is cut off, and the next has one again", async () => {
  const { lines } = await attack(podman, {
    files: { "reach.cjs": reach },
    command: `node reach.cjs ${link.address} ${link.port}; mkdir out; echo x >out/x`,
    when: {
      says: "before",
      run: async (watch) => {
        await watch.find("holder").kill({ signal: "SIGKILL" });
      },
    },
  });
  expect(lines.filter((line) => /^(before|after) /.test(line))).toEqual(["before connected", "after cut off"]);
  await expectNextBuild(podman);
});

test.concurrent("fault 44 the rules are flushed during a build: it is cut off instead of let out", async () => {
  const { lines } = await attack(podman, {
    files: { "reach.cjs": reach },
    command: `node reach.cjs ${link.address} ${link.port}; mkdir out; echo x >out/x`,
    when: {
      says: "before",
      run: async (watch) => {
        const { Pid: pid } = (await watch.find("holder").inspect()).State;
        const command = [...elevation(), "nsenter", `--net=/proc/${pid}/ns/net`, "nft", "flush", "ruleset"];
        await promisify(execFile)(command[0] ?? "", command.slice(1));
      },
    },
  });
  expect(lines.filter((line) => /^(before|after) /.test(line))).toEqual(["before connected", "after cut off"]);
  await expectNextBuild(podman);
});
