import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { holdSetupLock } from "./setup-lock.mjs";
import { findRunningInstance } from "./running-instance.mjs";
import { runVisibly } from "./run-visibly.mjs";
import { SetupError } from "./step.mjs";

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} Entry
 * @typedef {{ packages: Record<string, Entry> }} Lock
 */

/**
 * Runs `npm ci` when node_modules is not what the lock file says. No install script runs: none of our packages needs one.
 *
 * @param {string} root
 */
export async function installNpmPackages(root) {
  if (await isUpToDate(root)) return undefined;
  const release = await holdSetupLock(root);
  try {
    // Another set-up may have done it while this one waited.
    if (await isUpToDate(root)) return undefined;
    const running = await findRunningInstance(root);
    if (running !== undefined) {
      throw new SetupError(
        `package-lock.json has changed, and Catapult runs from this folder (pid ${running}). Stop it (Ctrl-C), then run this again.`,
      );
    }
    process.stdout.write("… npm packages: npm ci\n");
    const npm = process.env["npm_execpath"];
    const command = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
    // The flags: an npm that was told to leave out development or optional packages would leave out the tests, or Node and PostgreSQL.
    const flags = [
      "ci",
      "--ignore-scripts",
      "--include=dev",
      "--include=optional",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ];
    const code = await runVisibly([...command, ...flags], { cwd: root });
    if (code !== 0)
      throw new SetupError(`npm ci ended with ${code}: see above. It needs the npm registry that npm is configured for.`);
    await writeStamp(root);
    return "installed";
  } finally {
    await release();
  }
}

/** @param {string} root */
async function isUpToDate(root) {
  const stamp = await readFile(stampFile(root), "utf8").catch(() => "");
  if (stamp !== "" && stamp === (await hashLock(root))) return true;
  // Someone may have run npm by hand; npm leaves a list of what it installed.
  const installed = await readFile(path.join(root, "node_modules/.package-lock.json"), "utf8").catch(() => "");
  if (installed === "") return false;
  const wanted = await readFile(path.join(root, "package-lock.json"), "utf8");
  if (!holdsAll(JSON.parse(wanted), JSON.parse(installed), { os: process.platform, cpu: process.arch })) return false;
  await writeStamp(root);
  return true;
}

/**
 * True when every package of the lock file is installed in that version. An optional one may be missing, unless it is for this machine.
 *
 * @param {Lock} wanted
 * @param {Lock} installed
 * @param {{ os: string, cpu: string }} machine
 */
export function holdsAll(wanted, installed, machine) {
  return Object.entries(wanted.packages).every(([name, entry]) => {
    if (name === "") return true;
    const found = installed.packages[name];
    if (found) return found.version === entry.version && found.integrity === entry.integrity;
    const isForThisMachine = entry.os?.includes(machine.os) && entry.cpu?.includes(machine.cpu) && !entry.libc;
    return entry.optional === true && !isForThisMachine;
  });
}

/** @param {string} root */
async function hashLock(root) {
  const lock = await readFile(path.join(root, "package-lock.json"));
  return createHash("sha256").update(lock).digest("hex");
}

/** @param {string} root */
async function writeStamp(root) {
  await writeFile(stampFile(root), await hashLock(root));
}

/** @param {string} root */
function stampFile(root) {
  return path.join(root, "node_modules/.catapult-lock-hash");
}
