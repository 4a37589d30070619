import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const name = "catapult-postgres";

/** A user and its group, as spawn takes them. */
export type Identity = { uid: number; gid: number };

/** PostgreSQL refuses to run as root: the system user that it runs as instead, made when missing. */
export async function ensureSystemUser(): Promise<Identity> {
  const found = await lookUp();
  if (found) return found;
  let cause: unknown;
  try {
    await run("useradd", [
      "--system",
      "--user-group",
      "--no-create-home",
      "--home-dir",
      "/nonexistent",
      "--shell",
      "/usr/sbin/nologin",
      name,
    ]);
  } catch (error) {
    // Another start may have made the user in the meantime: the second look decides.
    cause = error;
  }
  const made = await lookUp();
  if (made) return made;
  throw new Error(`PostgreSQL does not run as root, and its system user ${name} could not be made by useradd.`, { cause });
}

async function lookUp(): Promise<Identity | undefined> {
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => Number((await run("id", [flag, name])).stdout)));
    return uid && gid ? { uid, gid } : undefined;
  } catch {
    // `id` fails when there is no such user.
    return undefined;
  }
}
