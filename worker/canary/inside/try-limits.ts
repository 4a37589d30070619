// Uses up what is limited.
import { closeSync, openSync } from "node:fs";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFirst, request, tell } from "./tell.ts";

/** Opens files until one is refused, and some more than are allowed at most. */
export function tryFiles(): void {
  const open: number[] = [];
  let refused = false;
  while (!refused && open.length < request.files + 8)
    try {
      open.push(openSync("/dev/null", "r"));
    } catch {
      refused = true;
    }
  for (const file of open) closeSync(file);
  tell({ kind: "files", opened: open.length, refused });
}

/** Makes processes until one is refused, and some more than are allowed at most. */
export async function tryProcesses(): Promise<void> {
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
export function tryMemory(): void {
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
