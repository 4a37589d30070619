import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "./run-git.ts";

export type FileMode = "100644" | "100755" | "120000";
export type CommitFile = { path: string; mode: FileMode; content: Buffer };

export type Commit = {
  branch: string;
  parent: string | undefined;
  message: string;
  author: { name: string; email: string };
  at: Date;
  files: CommitFile[];
  remove: string[];
  replace: boolean; // the tree holds these files only
};

/** Makes one commit without a work tree: git fast-import takes it all by one stream, and tells the commit's id. The branch may move in any direction. */
export async function commitFiles(folder: string, commit: Commit): Promise<string> {
  const parts: Buffer[] = [];
  const text = (value: string) => parts.push(Buffer.from(value));
  const data = (value: Buffer) => parts.push(Buffer.from(`data ${value.length}\n`), value, Buffer.from("\n"));
  text(`commit refs/heads/${commit.branch}\nmark :1\n`);
  text(`committer ${commit.author.name} <${commit.author.email}> ${Math.floor(commit.at.getTime() / 1000)} +0000\n`);
  data(Buffer.from(commit.message));
  if (commit.parent !== undefined) text(`from ${commit.parent}\n`);
  if (commit.replace) text("deleteall\n");
  for (const path of commit.remove) text(`D ${quotePath(path)}\n`);
  for (const file of commit.files) {
    text(`M ${file.mode} inline ${quotePath(file.path)}\n`);
    data(file.content);
  }
  text("get-mark :1\ndone\n");
  const words = ["fast-import", "--quiet", "--force", "--done", "--date-format=raw"];
  return (await runGit(folder, words, Buffer.concat(parts))).toString().trim();
}

/** Files given by path; those that are null are to be removed. */
export function listGivenFiles(files: Record<string, string | Buffer | null>): CommitFile[] {
  return Object.entries(files).flatMap(([path, content]) =>
    content === null ? [] : [{ path, mode: "100644", content: Buffer.from(content) }],
  );
}

/** Reads a folder as the files of a commit. `.git` and `node_modules` stay out. */
export async function readFolder(directory: string, prefix = ""): Promise<CommitFile[]> {
  const files: CommitFile[] = [];
  for (const name of (await readdir(directory)).toSorted()) {
    if (name === ".git" || name === "node_modules") continue;
    const full = join(directory, name);
    const path = `${prefix}${name}`;
    const stat = await lstat(full);
    if (stat.isDirectory()) files.push(...(await readFolder(full, `${path}/`)));
    else if (stat.isSymbolicLink()) files.push({ path, mode: "120000", content: Buffer.from(await readlink(full)) });
    else if (stat.isFile())
      files.push({ path, mode: (stat.mode & 0o111) === 0 ? "100644" : "100755", content: await readFile(full) });
  }
  return files;
}

function quotePath(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
