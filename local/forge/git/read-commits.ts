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

const format = ["%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"].join("%x00");

/** Commits of a revision range, newest first, each with the files it changed against its first parent. */
export async function readCommits(folder: string, range: readonly string[], limit: number): Promise<CommitRecord[]> {
  const list = await runGit(folder, ["rev-list", `--max-count=${limit}`, ...range]);
  const shas = list.toString().split("\n").filter(Boolean);
  const commits: CommitRecord[] = [];
  for (const sha of shas) commits.push(await readCommit(folder, sha));
  return commits;
}

export async function readCommit(folder: string, sha: string): Promise<CommitRecord> {
  const fields = (await runGit(folder, ["show", "--no-patch", `--format=${format}`, sha])).toString().split("\0");
  const [hash = sha, tree = "", parents = "", an = "", ae = "", ad = "", cn = "", ce = "", cd = "", message = ""] = fields;
  const parentShas = parents.split(" ").filter(Boolean);
  return {
    sha: hash,
    tree,
    parents: parentShas,
    author: { name: an, email: ae, date: new Date(ad).toISOString() },
    committer: { name: cn, email: ce, date: new Date(cd).toISOString() },
    message: message.trimEnd(),
    files: await readChanges(folder, parentShas[0], hash),
  };
}

/** What differs between two commits (or the empty tree and one): raw and numstat lines of one diff. */
export async function readChanges(folder: string, from: string | undefined, to: string): Promise<FileChange[]> {
  const base = ["diff-tree", "-r", "--no-renames", "--no-commit-id", "--raw", "--numstat", "-z", "--no-abbrev"];
  const output = await runGit(folder, from === undefined ? [...base, "--root", to] : [...base, from, to]);
  const changes = new Map<string, FileChange>();
  const parts = output.toString().split("\0");
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? "";
    if (part.startsWith(":")) {
      const [, , , sha = "", letter = "M"] = part.split(" ");
      const path = parts[++index] ?? "";
      const status = letter === "A" ? "added" : letter === "D" ? "removed" : "modified";
      changes.set(path, { path, status, additions: 0, deletions: 0, sha });
    } else {
      const [added, deleted, path] = part.split("\t");
      const change = path === undefined ? undefined : changes.get(path);
      if (change === undefined) continue;
      change.additions = Number(added) || 0; // `-` for a binary file
      change.deletions = Number(deleted) || 0;
    }
  }
  return [...changes.values()];
}
