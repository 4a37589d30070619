import { readFile } from "node:fs/promises";
import type { Need } from "./need.ts";

const setting = "net.ipv4.tcp_migrate_req";

/**
 * Whether connections that wait to be accepted survive a change of Caddy's hosts. Each change swaps Caddy's listening socket, and the kernel
 * resets what waits in the old one's queue unless it may move it: 0.3 to 0.8 connections a change at 1,000 requests a second.
 */
export async function checkConnections(file = "/proc/sys/net/ipv4/tcp_migrate_req"): Promise<Need> {
  const base = { name: "sysctl tcp_migrate_req", need: "advised" as const };
  const value = (await readFile(file, "utf8").catch(() => undefined))?.trim();
  if (value === "1") return { ...base, found: true, detail: `${setting} is 1` };
  if (value === undefined) {
    const advice =
      "Linux 5.14 or later has it: without it a change of Caddy's hosts resets visitors' connections that wait for it";
    return { ...base, found: false, detail: `this kernel has no ${setting}`, advice };
  }
  const advice = `where Caddy runs, \`sysctl -w ${setting}=1\`, and the same in /etc/sysctl.d: a change of Caddy's hosts else resets visitors' connections that wait for it`;
  return { ...base, found: false, detail: `${setting} is ${value}`, advice };
}
