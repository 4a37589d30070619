import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import type { Need } from "./need.ts";

/** Whether this user can run containers: as root, by sudo, or rootless with subordinate ids. */
export async function checkUser(): Promise<Need[]> {
  const { uid, username } = userInfo();
  if (uid === 0) return [{ name: "user", need: "required", found: true, detail: "root" }];
  const sudo = await promisify(execFile)("sudo", ["-n", "true"], { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
  return [
    {
      name: "sudo",
      need: "required",
      found: sudo,
      detail: sudo ? `${username} may use sudo without a password` : `${username} may not use sudo without a password`,
      ...(!sudo && {
        advice: "`catapult up` starts Podman as root: run it as root, or let this user use sudo (`sudo -v` before it)",
      }),
    },
    ...(await Promise.all(["subuid", "subgid"].map(async (name) => checkSubordinateIds(name, uid, username)))),
  ];
}

async function checkSubordinateIds(name: string, uid: number, username: string): Promise<Need> {
  const file = `/etc/${name}`;
  const text = await readFile(file, "utf8").catch(() => "");
  const range = findRange(text, uid, username);
  const found = range !== undefined && range >= 65_536;
  const advice = `only for a worker with a rootless Podman: usermod --add-${name}s 100000-165535 ${username}`;
  const detail = range === undefined ? `no line for ${username} in ${file}` : `${range} ids for ${username}`;
  return { name, need: "advised", found, detail, ...(!found && { advice }) };
}

/** How many subordinate ids a user has in /etc/subuid or /etc/subgid: lines of name or uid, start, count. */
export function findRange(text: string, uid: number, username: string): number | undefined {
  const ranges = text.split("\n").map((line) => line.split(":"));
  const own = ranges.filter(([who]) => who === username || who === String(uid));
  return own.length === 0 ? undefined : Math.max(...own.map(([, , count]) => Number(count)));
}
