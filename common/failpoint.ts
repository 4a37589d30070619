import { readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { failpoints, type Failpoint } from "./failpoints.ts";

type Action = { kind: "kill" | "throw" | "enospc" | "hold" } | { kind: "sleep"; ms: number };
type Armed = { name: string; action: Action; at: number; hits: number };

export class FailpointError extends Error {
  override name = "FailpointError";
}

let armed: { text: string; points: Armed[] } = { text: "", points: [] };

/**
 * Does nothing unless CATAPULT_FAILPOINT arms this place, which only tests do: `name:kill|throw|sleep=<ms>|enospc|hold`, with `@n` for the
 * n-th hit in this process (the first by default), several with commas. It fires once, and says so on stderr before it acts, so that
 * a test can tell a place that was passed from one that was never reached. `@<file>` instead: what stands in that file at the time.
 * What is held goes on once that file no longer names the place.
 */
export async function failpoint(name: Failpoint): Promise<void> {
  const setting = process.env["CATAPULT_FAILPOINT"];
  if (!setting) return;
  const text = readArmed(setting);
  if (text.trim() === "") return;
  if (armed.text !== text) armed = { text, points: parseFailpoints(text) };
  for (const point of armed.points.filter((one) => one.name === name)) {
    point.hits += 1;
    if (point.hits === point.at) await act(point);
  }
}

function readArmed(setting: string): string {
  return setting.startsWith("@") ? readFileSync(setting.slice(1), "utf8") : setting;
}

/** A misspelt name would be a fault that is never injected, so it is an error. */
export function parseFailpoints(text: string): Armed[] {
  return text.split(",").map((part) => {
    const match = /^([a-z.-]+):(kill|throw|enospc|hold|sleep=(\d+))(?:@([1-9]\d*))?$/.exec(part.trim());
    if (match === null)
      throw new FailpointError(`CATAPULT_FAILPOINT: "${part}" is not name:kill|throw|sleep=<ms>|enospc|hold[@n]`);
    const [, name = "", action, ms = "0", at = "1"] = match;
    if (!(failpoints as readonly string[]).includes(name))
      throw new FailpointError(`CATAPULT_FAILPOINT: there is no failpoint ${name}; there are ${failpoints.join(", ")}`);
    const kind = action === "kill" || action === "throw" || action === "enospc" || action === "hold" ? action : "sleep";
    return { name, action: kind === "sleep" ? { kind, ms: Number(ms) } : { kind }, at: Number(at), hits: 0 };
  });
}

async function act(point: Armed): Promise<void> {
  // Synchronous: a killed process writes nothing that was only queued.
  writeSync(2, `failpoint ${point.name}: ${point.action.kind} at hit ${point.hits}\n`);
  switch (point.action.kind) {
    case "kill":
      process.kill(process.pid, "SIGKILL");
      return new Promise(() => {});
    case "sleep":
      await sleep(point.action.ms);
      return;
    case "hold":
      while (readArmed(process.env["CATAPULT_FAILPOINT"] ?? "").includes(`${point.name}:hold`)) await sleep(20);
      return;
    case "throw":
      throw new FailpointError(`the failpoint ${point.name} threw`);
    case "enospc":
      throw Object.assign(new Error(`ENOSPC: no space left on device, failpoint ${point.name}`), { code: "ENOSPC" });
  }
}
