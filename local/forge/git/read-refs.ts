import { GitError, runGit } from "./run-git.ts";

export const zeroSha = "0".repeat(40);

export type RefUpdate = { ref: string; before: string; after: string };

/** Branches and tags with the object each names. */
export async function readRefs(folder: string): Promise<Map<string, string>> {
  const output = await runGit(folder, ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]);
  const refs = new Map<string, string>();
  for (const line of output.toString().split("\n")) if (line !== "") refs.set(line.slice(41), line.slice(0, 40));
  return refs;
}

export function compareRefs(before: Map<string, string>, after: Map<string, string>): RefUpdate[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((ref) => ({ ref, before: before.get(ref) ?? zeroSha, after: after.get(ref) ?? zeroSha }))
    .filter((update) => update.before !== update.after);
}

/** The commit that a branch, tag, full ref or SHA names; undefined if there is none. */
export async function resolveCommit(folder: string, name: string): Promise<string | undefined> {
  if (name === "" || name.startsWith("-") || /[\s~^:?*[\\]|\.\.|@\{/.test(name)) return undefined;
  // One process tells of all that the name could mean, in this order.
  const candidates = [`refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`, name];
  const input = Buffer.from(candidates.map((candidate) => `${candidate}^{commit}\n`).join(""));
  const output = await runGit(folder, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], input);
  return /^([0-9a-f]{40}) commit$/m.exec(output.toString())?.[1];
}

export async function isAncestor(folder: string, ancestor: string, descendant: string): Promise<boolean> {
  try {
    await runGit(folder, ["merge-base", "--is-ancestor", ancestor, descendant]);
    return true;
  } catch (error) {
    if (error instanceof GitError) return false;
    throw error;
  }
}
