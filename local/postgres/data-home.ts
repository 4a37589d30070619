import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Identity } from "./system-user.ts";

/** Holds what must be reachable by PostgreSQL's own user: a clone may lie in a home of mode 0700. */
export const sharedFolder = "/var/lib/catapult";

/** The state folder is a copy of another one, whose database it would share. */
export class CopiedStateError extends Error {
  override name = "CopiedStateError";
}

/** The folder for a state folder's data when PostgreSQL runs as a user of its own. */
export function sharedHome(stateDir: string): string {
  return path.join(sharedFolder, createHash("sha256").update(stateDir).digest("hex").slice(0, 16));
}

/**
 * Prepares the folder that holds the data: `<stateDir>/postgres`, or, with an owner, a folder of that owner under /var/lib/catapult
 * which `<stateDir>/postgres` links to. `fresh` says that the state folder is new: data left there by one of the same path that
 * was deleted cannot be opened any more (its password and keys are gone) and is removed.
 */
export async function prepareDataHome(o: { stateDir: string; owner: Identity | undefined; fresh: boolean }): Promise<string> {
  const link = path.join(o.stateDir, "postgres");
  if (!o.owner) {
    await mkdir(link, { recursive: true, mode: 0o700 });
    return link;
  }
  const home = sharedHome(o.stateDir);
  await mkdir(sharedFolder, { recursive: true, mode: 0o755 });
  const linked = await readlink(link).catch(() => undefined);
  if (linked === undefined && (await lstat(link).catch(() => undefined))) {
    throw new Error(
      `${link} is a folder of an ordinary user's PostgreSQL. Run as that user, or remove ${o.stateDir} to begin anew.`,
    );
  }
  if (linked !== undefined && linked !== home) await takeOver(linked, home, o.stateDir);
  else if (o.fresh) await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chmod(home, 0o700);
  await writeFile(path.join(home, "state-folder"), o.stateDir);
  await chown(home, o.owner.uid, o.owner.gid);
  if (linked !== home) {
    await rm(link, { force: true });
    await symlink(home, link);
  }
  return home;
}

/** The link names another state folder's data: that folder was moved here (the data follows) or copied (refused). */
async function takeOver(previous: string, home: string, stateDir: string): Promise<void> {
  const owner = await readFile(path.join(previous, "state-folder"), "utf8").catch(() => undefined);
  if (owner === undefined) return;
  const stillThere = await readlink(path.join(owner, "postgres")).catch(() => undefined);
  if (stillThere === previous) {
    throw new CopiedStateError(
      `${stateDir} is a copy of ${owner} and would use the same database. Remove ${stateDir} to begin anew here.`,
    );
  }
  await rm(home, { recursive: true, force: true });
  await rename(previous, home);
}
