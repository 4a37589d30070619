import { runGit } from "./run-git.ts";

export type Person = { name: string; email: string; date: string };
export type FileChange = {
  path: string;
  status: "added" | "removed" | "modified";
  additions: number;
  deletions: number;
  sha: string;
};
export type CommitRecord = {
  sha: string;
  tree: string;
  parents: string[];
  author: Person;
  committer: Person;
  message: string;
  files: FileChange[];
};

const format = ["%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B", ""].join("%x00");
const differences = ["--no-renames", "--raw", "--numstat", "-z", "--no-abbrev"];

/** Commits of a revision range, newest first, each with the files it changed against its first parent. */
export async function readCommits(folder: string, range: readonly string[], limit: number): Promise<CommitRecord[]> {
  const wanted = [`--max-count=${limit}`, `--format=${format}`, "--diff-merges=first-parent", ...differences];
  const parts = (await runGit(folder, ["log", ...wanted, ...range])).toString().split("\0");
  const commits: CommitRecord[] = [];
  // No field has a NUL in it. After a commit's fields stand its differences, if it has any.
  for (let index = 0; index < parts.length;) {
    if (!/^[0-9a-f]{40}$/.test(parts[index] ?? "")) {
      index++;
      continue;
    }
    const [sha = "", tree = "", parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = "", message = ""] = parts.slice(
      index,
      index + 10,
    );
    const { files, end } = parseChanges(parts, index + 10);
    index = end;
    commits.push({
      sha,
      tree,
      parents: parents.split(" ").filter(Boolean),
      author: { name: an, email: ae, date: new Date(ad).toISOString() },
      committer: { name: cn, email: ce, date: new Date(cd).toISOString() },
      message: message.trimEnd(),
      files,
    });
  }
  return commits;
}

/** A commit never changes, and each look of Central's asks for the same ones. */
const known = new Map<string, CommitRecord>();
const maxKnown = 1_000;

export async function readCommit(folder: string, sha: string): Promise<CommitRecord> {
  const key = `${folder} ${sha}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const commit = await findCommit(folder, sha);
  if (!/^[0-9a-f]{40}(\^\{commit\})?$/.test(sha)) return commit;
  if (known.size >= maxKnown) known.clear();
  known.set(key, commit);
  return commit;
}

async function findCommit(folder: string, sha: string): Promise<CommitRecord> {
  const [commit] = await readCommits(folder, [sha], 1);
  if (commit === undefined) throw new Error(`git log ${sha} in ${folder} told of no commit`);
  return commit;
}

/** What differs between two commits. */
export async function readChanges(folder: string, from: string, to: string): Promise<FileChange[]> {
  const output = await runGit(folder, ["diff-tree", "-r", "--no-commit-id", ...differences, from, to]);
  return parseChanges(output.toString().split("\0"), 0).files;
}

/** The raw and numstat lines of one diff, to where the next commit begins. */
function parseChanges(parts: readonly string[], start: number): { files: FileChange[]; end: number } {
  const changes = new Map<string, FileChange>();
  let index = start;
  for (; index < parts.length; index++) {
    // git puts a line's end between a commit's fields and its differences.
    const part = (parts[index] ?? "").trimStart();
    if (part === "") continue;
    const [added, deleted, path] = part.split("\t");
    if (part.startsWith(":")) {
      const [, , , sha = "", letter = "M"] = part.split(" ");
      const name = parts[++index] ?? "";
      const status = letter === "A" ? "added" : letter === "D" ? "removed" : "modified";
      changes.set(name, { path: name, status, additions: 0, deletions: 0, sha });
    } else if (path === undefined) break;
    else {
      const change = changes.get(path);
      if (change === undefined) continue;
      change.additions = Number(added) || 0; // `-` for a binary file
      change.deletions = Number(deleted) || 0;
    }
  }
  return { files: [...changes.values()], end: index };
}
