import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import type { Stack } from "#test/support/stack.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { roleLabel, sandboxLabel, type Role } from "#worker/sandbox/sandbox-labels.ts";

/** Which container of the walk's worker, and which of its processes. */
export type Victim = { role: Role; process: "init" | "conmon" };

const waitMs = 2_000;
const askMs = 2_000;

/** SIGKILLs a process of a container of the stack's own worker; waits a moment for one. Says what it met. */
export async function killContainer(stack: Stack, victim: Victim): Promise<string> {
  const [worker] = stack.workers;
  const networkName = `catapult-${createHash("sha256").update(worker!.stateDirectory).digest("hex").slice(0, 8)}`;
  const filters = { label: [`${sandboxLabel}=${networkName}`, `${roleLabel}=${victim.role}`] };
  const { podman } = stack.podman;
  for (const until = Date.now() + waitMs; Date.now() < until; await sleep(100))
    try {
      const [found] = await withDeadline(askMs, "list containers", podman.listContainers({ filters }));
      if (found === undefined) continue;
      const pid =
        victim.process === "conmon"
          ? await findConmon(found.Id)
          : (await withDeadline(askMs, "inspect a container", podman.getContainer(found.Id).inspect())).State.Pid;
      if (pid === undefined || !(await belongs(pid, found.Id))) continue;
      await runCommand([...elevation(), "kill", "-KILL", String(pid)]);
      return `${victim.process} ${pid} of ${found.Id.slice(0, 12)}`;
    } catch {
      return "nothing: Podman does not answer";
    }
  return "nothing: there was none";
}

async function findConmon(id: string): Promise<number | undefined> {
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (basename(words[0] ?? "") === "conmon" && words.includes(id) && !words.includes("--exec-attach")) return Number(name);
  }
  return undefined;
}

/** A pid may be another process's by now. */
async function belongs(pid: number, id: string): Promise<boolean> {
  if (pid <= 1) return false;
  const said = ["cgroup", "cmdline"].map(async (file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""));
  return (await Promise.all(said)).some((text) => text.includes(id));
}
