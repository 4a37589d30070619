import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage } from "#common/error-details.ts";
import { writeDurably } from "#worker/publish/write-durably.ts";
import { tightenSeccomp, type SeccompProfile } from "./tighten-seccomp.ts";

/** Where Podman's packages put its default profile; the first is an administrator's own. */
const defaults = ["/etc/containers/seccomp.json", "/usr/share/containers/seccomp.json"];

/** No profile for builds can be made, so there are no builds. */
export class SeccompError extends Error {
  override readonly name = "SeccompError";
}

/**
 * Writes the profile of builds into the worker's state folder and gives its path, which Podman reads: it holds where Podman's host is the
 * worker's. Where it is not, Podman finds no file there and starts no build.
 */
export async function writeSeccomp(stateDir: string, sources: readonly string[] = defaults): Promise<string> {
  const file = join(stateDir, "seccomp.json");
  const profile = tightenSeccomp(await readDefault(sources));
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeDurably(file, JSON.stringify(profile));
  await chmod(file, 0o644);
  return file;
}

async function readDefault(sources: readonly string[]): Promise<SeccompProfile> {
  const problems: string[] = [];
  for (const source of sources)
    try {
      const profile: unknown = JSON.parse(await readFile(source, "utf8"));
      if (isProfile(profile)) return profile;
      problems.push(`${source} is no seccomp profile`);
    } catch (error) {
      problems.push(errorMessage(error));
    }
  throw new SeccompError(
    `The seccomp profile of builds is made from Podman's default, which is not on this machine (${problems.join("; ")}). Install the package golang-github-containers-common, or set BUILD_SECCOMP to a profile on Podman's host.`,
  );
}

function isProfile(value: unknown): value is SeccompProfile {
  return (
    typeof value === "object" &&
    value !== null &&
    "syscalls" in value &&
    Array.isArray(value.syscalls) &&
    value.syscalls.length > 0 &&
    value.syscalls.every(
      (rule: unknown) => typeof rule === "object" && rule !== null && "names" in rule && Array.isArray(rule.names),
    )
  );
}
