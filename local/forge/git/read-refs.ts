import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
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

/** What a branch, by its full ref, names; undefined if there is none. Mostly a file tells, which costs a hundredth of a process. */
export async function readBranch(folder: string, ref: string): Promise<string | undefined> {
  return (await readLooseCommit(folder, ref)) ?? (await readRefs(folder)).get(ref);
}

/** Of refs that only ever name commits; undefined if no file of their own says it, as of one that git has packed. */
async function readLooseCommit(folder: string, ref: string): Promise<string | undefined> {
  if (!/^refs\/(heads|pull)\/[^\0]+$/.test(ref) || ref.endsWith(".lock")) return undefined;
  // What the file system would take for another path is no ref to git.
  if (ref.split("/").some((part) => ["", ".", ".."].includes(part))) return undefined;
  const text = await readFile(join(folder, ref), "utf8").catch(() => "");
  return /^([0-9a-f]{40})\n$/.exec(text)?.[1];
}

/** Whether something by this name stands before `refs/<name>` in the order in which git looks: then git itself is asked. */
async function mayBeShadowed(folder: string, name: string): Promise<boolean> {
  const files = ["packed-refs", `refs/heads/${name}`, `refs/tags/${name}`];
  const found = await Promise.all(files.map(async (file) => stat(join(folder, file)).catch(() => undefined)));
  return found.some((one) => one !== undefined);
}

/** The commit that a branch, tag, full ref or SHA names; undefined if there is none. */
export async function resolveCommit(folder: string, name: string): Promise<string | undefined> {
  if (name === "" || name.startsWith("-") || /[\s~^:?*[\\]|\.\.|@\{/.test(name)) return undefined;
  const known = (await readLooseCommit(folder, `refs/heads/${name}`)) ?? (await readUnshadowed(folder, name));
  if (known !== undefined) return known;
  // One process tells of all that the name could mean, in this order.
  const candidates = [`refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`, name];
  const input = Buffer.from(candidates.map((candidate) => `${candidate}^{commit}\n`).join(""));
  const output = await runGit(folder, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], input);
  return /^([0-9a-f]{40}) commit$/m.exec(output.toString())?.[1];
}

async function readUnshadowed(folder: string, name: string): Promise<string | undefined> {
  return (await mayBeShadowed(folder, name)) ? undefined : readLooseCommit(folder, `refs/${name}`);
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
