import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { SetupError } from "./step.mjs";

export const oldestNode = 24;

/**
 * Finds a Node that runs TypeScript: this one, or the one that an optional npm package brought. npm puts that one first on its scripts'
 * PATH, and `cli/catapult` looks for it too.
 *
 * @param {string} root
 * @param {string} [version] of the Node that runs this
 */
export async function findNode(root, version = process.versions.node) {
  if (Number.parseInt(version, 10) >= oldestNode) return undefined;
  const program = path.join(root, `node_modules/node-linux-${process.arch}/bin/node`);
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"]);
    if (Number.parseInt(stdout.slice(1), 10) >= oldestNode) return undefined;
  } catch {
    // Missing, or not for this machine: said below.
  }
  throw new SetupError(
    `Catapult needs Node ${oldestNode} or later. This is ${version}, and ${program}, which npm should have installed for an older machine, does not run.\n` +
      `Install Node ${oldestNode} (https://nodejs.org), then run this again.`,
  );
}
