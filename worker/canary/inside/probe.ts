// Runs as a build does, does what a hostile one would, and tells what came of it. What it says is judged outside.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { lstatSync, readdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { connect, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt, LimitName, Observation, ProbeRequest } from "../observation.ts";

const request: ProbeRequest = JSON.parse(readFileSync("request.json", "utf8"));
const attemptMs = 1_000;
const targetMs = 2_500;

function tell(observation: Observation): void {
  writeFileSync(1, `CANARY ${JSON.stringify(observation)}\n`);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readFirst(...paths: string[]): string {
  return paths.map((path) => read(path).trim()).find((text) => text !== "") ?? "";
}

function lookAtProcess(): void {
  for (const line of read("/proc/self/status").split("\n")) {
    const [name = "", value = ""] = line.split(":\t");
    if (/^(Cap\w+|NoNewPrivs|Seccomp|Uid|Gid|Groups)$/.test(name)) tell({ kind: "status", name, value: value.trim() });
  }
  tell({ kind: "init", command: read("/proc/1/cmdline").replaceAll("\0", " ").trim() });
}

function tryToWrite(): void {
  for (const folder of ["/", "/etc", "/usr", "/usr/local/bin", "/opt", "/opt/catapult", "/var", "/root", "/sys/fs/cgroup"]) {
    const path = `${folder === "/" ? "" : folder}/.canary`;
    try {
      writeFileSync(path, "x");
      tell({ kind: "written", path: folder });
    } catch {
      // As it must be.
    }
  }
}

function lookAtMounts(): void {
  for (const line of read("/proc/self/mountinfo").trim().split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", path = "", options = ""] = before.split(" ");
    const [type = "", , superOptions = ""] = after.split(" ");
    let [bytes, inodes] = [0, 0];
    try {
      const { bsize, blocks, files } = statfsSync(path);
      [bytes, inodes] = [bsize * blocks, files];
    } catch {
      // Masked, or of another user: it has no size for this one.
    }
    const writable = options.split(",").includes("rw") && superOptions.split(",").includes("rw");
    tell({ kind: "mount", mount: { path, root, type, writable, bytes, inodes } });
  }
  for (const entry of readdirSync("/dev", { recursive: true, encoding: "utf8" })) {
    const path = `/dev/${entry}`;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isBlockDevice() === true || found?.isCharacterDevice() === true)
      tell({ kind: "device", path, block: found.isBlockDevice() });
  }
}

function tellLimit(name: LimitName, value: string): void {
  tell({ kind: "limit", name, value: value === "max" || value === "unlimited" || value === "" ? -1 : Number(value) });
}

function lookAtLimits(): void {
  tellLimit("memory", readFirst("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"));
  tellLimit("pids", readFirst("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max"));
  const folder = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"].find((path) => read(`${path}/cpu.cfs_quota_us`) !== "");
  const [quota = "", period = ""] =
    folder === undefined
      ? read("/sys/fs/cgroup/cpu.max").trim().split(" ")
      : [read(`${folder}/cpu.cfs_quota_us`).trim(), read(`${folder}/cpu.cfs_period_us`).trim()];
  tellLimit("cpus", Number(quota) > 0 ? String(Number(quota) / Number(period)) : "");
  const limits = read("/proc/self/limits");
  for (const [name, title] of [
    ["nofile", "Max open files"],
    ["nproc", "Max processes"],
    ["core", "Max core file size"],
  ] as const)
    tellLimit(name, new RegExp(`^${title}\\s+\\S+\\s+(\\S+)`, "m").exec(limits)?.[1] ?? "");
}

/** Destinations that the canary's link carries, as the kernel's table has them: little-endian hex. */
function readLinked(): Set<string> {
  const linked = new Set<string>();
  for (const line of read("/proc/net/route").split("\n")) {
    const [link = "", destination = "", , , , , , mask = ""] = line.split("\t");
    if (link !== request.link || mask !== "FFFFFFFF") continue;
    const bytes = (destination.match(/../g) ?? []).map((hex) => Number.parseInt(hex, 16));
    linked.add(bytes.toReversed().join("."));
  }
  return linked;
}

function attemptTcp(o: { address: string; port: number }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: o.address, port: o.port });
    let connected = false;
    const end = (outcome: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(connected ? "connected" : "ETIMEDOUT"), attemptMs);
    socket.on("connect", () => (connected = true));
    socket.on("data", (data) => end(data.toString() === request.token ? "token" : "connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(connected ? "connected" : (error.code ?? "ERROR")));
  });
}

function attemptUdp(o: { address: string; port: number }): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (outcome: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    const timer = setTimeout(() => end("ETIMEDOUT"), 200);
    socket.on("message", (data) => end(data.toString() === request.token ? "token" : "connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "ERROR"));
    socket.connect(o.port, o.address, () =>
      socket.send("x", (error: NodeJS.ErrnoException | null) => error && end(error.code ?? "ERROR")),
    );
  });
}

async function tryNetwork(): Promise<void> {
  for (const line of read("/proc/net/if_inet6").trim().split("\n")) {
    const name = line.trim().split(/\s+/).at(-1) ?? "";
    if (name !== "" && name !== "lo") tell({ kind: "ipv6", interface: name });
  }
  const linked = readLinked();
  const onLink = new Set(request.linked);
  await Promise.all([
    ...request.attempts.map(async (attempt: Omit<Attempt, "outcome">) => {
      if (onLink.has(attempt.address) && !isIPv6(attempt.address) && !linked.has(attempt.address)) {
        tell({ kind: "unrouted", address: attempt.address });
        return;
      }
      const outcome = attempt.protocol === "tcp" ? await attemptTcp(attempt) : await attemptUdp(attempt);
      tell({ kind: "attempt", attempt: { ...attempt, outcome } });
    }),
    tryTarget(),
  ]);
}

/** The one place outside that must answer: a lost packet is no proof that it does not, so it is tried twice. */
async function tryTarget(): Promise<void> {
  const { target } = request;
  if (target === undefined) return;
  let said = "";
  let resolved = false;
  for (let trial = 0; trial < 2; trial += 1) {
    try {
      const { address } = await Promise.race([lookup(target.host, { family: 4 }), fail("no answer from the resolvers")]);
      resolved = true;
      await Promise.race([reach(address, target.port), fail("no answer")]);
      tell({ kind: "target", resolved, connected: true, said: "" });
      return;
    } catch (error) {
      said = error instanceof Error ? error.message : String(error);
    }
  }
  tell({ kind: "target", resolved, connected: false, said: said.slice(0, 200) });
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve();
    });
    socket.setTimeout(targetMs, () => socket.destroy());
    socket.on("error", reject);
  });
}

async function fail(message: string): Promise<never> {
  await sleep(targetMs, undefined, { ref: false });
  throw new Error(message);
}

/** Makes processes until one is refused, and some more than are allowed at most. */
async function tryProcesses(): Promise<void> {
  const ends: Promise<unknown>[] = [];
  const children: ChildProcess[] = [];
  let refused = false;
  while (!refused && children.length < request.pids + 8) {
    const child = spawn("/bin/sleep", ["30"], { stdio: "ignore" });
    refused = child.pid === undefined;
    ends.push(new Promise((resolve) => child.once(refused ? "error" : "exit", resolve)));
    children.push(child);
  }
  // One that was refused has no process: to kill it may mean process 0, which is this one's whole group.
  for (const child of children) if (child.pid !== undefined) child.kill("SIGKILL");
  // What follows needs processes too.
  await Promise.all(ends);
  tell({ kind: "fork", made: children.length, refused });
}

/** The last: the kernel ends what asks for too much, and the build is then known to have run out of memory. */
function tryMemory(): void {
  const bytes = request.memoryBytes + 64 * 2 ** 20;
  // tail holds all of a line that does not end.
  const { error } = spawnSync("/bin/bash", ["-c", `head --bytes=${bytes} /dev/zero | tail --lines=1 >/dev/null`], {
    stdio: "ignore",
  });
  if (error !== undefined) throw error;
  tell({ kind: "allocation", killed: wasKilled() });
}

function wasKilled(): boolean {
  const events = readFirst("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events");
  return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0;
}

for (const [during, work] of Object.entries({
  lookAtProcess,
  tryToWrite,
  lookAtMounts,
  lookAtLimits,
  tryNetwork,
  tryProcesses,
  tryMemory,
}))
  try {
    await work();
  } catch (error) {
    tell({ kind: "error", during, said: String(error).slice(0, 500) });
  }
tell({ kind: "done" });
process.exit(0);
