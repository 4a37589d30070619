import { repositoryOf } from "../auth/access.ts";
import { readCommit, readCommits } from "../git/read-commits.ts";
import { resolveCommit } from "../git/read-refs.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { GitError, runGit } from "../git/run-git.ts";
import { HttpError, notFound } from "../http/errors.ts";
import { ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderCommit } from "../render/commit.ts";
import { fullName, repositoryApiUrl } from "../render/repository.ts";
import { nodeId, type Schema } from "../render/schema.ts";

function open(call: Call) {
  const repository = repositoryOf(call, { permission: "contents", level: "read" });
  return {
    repository,
    folder: repositoryFolder(call.context.directory, repository.id),
    api: repositoryApiUrl(call.context, repository),
    web: `${call.context.urls.web}/${fullName(call.context, repository)}`,
  };
}

type Entry = { mode: string; type: string; sha: string; size: number; path: string };

/** What `path` of a commit is: its own entry, and what lies in it if it is a folder. */
async function readTree(folder: string, commit: string, path: string): Promise<{ self: Entry | undefined; entries: Entry[] }> {
  const list = async (spec: string[]) => {
    const output = await runGit(folder, ["ls-tree", "-z", "--long", "--full-tree", commit, ...spec]);
    return output.toString().split("\0").filter(Boolean).map(parseEntry);
  };
  if (path === "") return { self: undefined, entries: await list([]) };
  const [self] = await list(["--", path]);
  return { self, entries: self?.type === "tree" ? await list(["--", `${path}/`]) : [] };
}

function parseEntry(line: string): Entry {
  const [head = "", path = ""] = line.split("\t");
  const [mode = "", type = "", sha = "", size = "-"] = head.split(/ +/);
  return { mode, type, sha, size: size === "-" ? 0 : Number(size), path };
}

function kindOf(entry: Entry): "dir" | "file" | "submodule" | "symlink" {
  if (entry.type === "tree") return "dir";
  if (entry.type === "commit") return "submodule";
  return entry.mode === "120000" ? "symlink" : "file";
}

async function showContents(call: Call) {
  const { folder, api, web } = open(call);
  const path = (call.parameters["path"] ?? "").replace(/^\/+|\/+$/g, "");
  const ref = call.query.get("ref") ?? "HEAD";
  const commit = ref === "HEAD" ? await headOf(folder) : await resolveCommit(folder, ref);
  if (commit === undefined) throw new HttpError(404, `No commit found for the ref ${ref}`);
  const { self, entries } = await readTree(folder, commit, path);
  if (path !== "" && self === undefined) throw notFound();
  const render = (entry: Entry) => {
    const url = `${api}/contents/${entry.path}?ref=${ref}`;
    const git = `${api}/git/${entry.type === "tree" ? "trees" : "blobs"}/${entry.sha}`;
    const html = `${web}/blob/${ref}/${entry.path}`;
    return {
      name: entry.path.split("/").at(-1) ?? "",
      path: entry.path,
      sha: entry.sha,
      size: entry.size,
      url,
      html_url: html,
      git_url: git,
      download_url: entry.type === "blob" ? `${web}/raw/${ref}/${entry.path}` : null,
      _links: { self: url, git, html },
    };
  };
  // GitHub lists so many and no more.
  const listed = entries.slice(0, 1_000).map((entry) => ({ type: kindOf(entry), ...render(entry) }));
  if (self === undefined || self.type === "tree") return ok(listed satisfies Schema<"content-directory">);
  const content = await runGit(folder, ["cat-file", "blob", self.sha]);
  if (/application\/vnd\.github\.(?:v3\.)?raw/.test(call.accept)) return { status: 200, text: content.toString() };
  return ok({
    type: "file" as const,
    encoding: "base64",
    content: content.toString("base64"),
    ...render(self),
  } satisfies Schema<"content-file">);
}

async function headOf(folder: string): Promise<string | undefined> {
  try {
    return (await runGit(folder, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])).toString().trim();
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

async function mergeBase(folder: string, one: string, other: string): Promise<string | undefined> {
  try {
    return (await runGit(folder, ["merge-base", one, other])).toString().trim();
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

async function compare(call: Call) {
  const { repository, folder, api, web } = open(call);
  const [base = "", head = ""] = (call.parameters["basehead"] ?? "").split("...");
  const [from, to] = [await resolveCommit(folder, base), await resolveCommit(folder, head)];
  if (from === undefined || to === undefined) throw notFound();
  const counted = (await runGit(folder, ["rev-list", "--left-right", "--count", `${from}...${to}`])).toString().trim();
  const [behind = 0, ahead = 0] = counted.split(/\s+/).map(Number);
  const merged = await mergeBase(folder, from, to);
  if (merged === undefined) throw new HttpError(404, "No common ancestor between the two commits");
  const commits = ahead === 0 ? [] : await readCommits(folder, [`${from}..${to}`], 250);
  const status = ahead > 0 ? (behind > 0 ? "diverged" : "ahead") : behind > 0 ? "behind" : "identical";
  const page = `${web}/compare/${base}...${head}`;
  const render = async (sha: string) => renderCommit(call.context, repository, await readCommit(folder, sha));
  return ok({
    url: `${api}/compare/${base}...${head}`,
    html_url: page,
    permalink_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    base_commit: await render(from),
    merge_base_commit: await render(merged),
    status,
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    commits: commits.toReversed().map((commit) => renderCommit(call.context, repository, commit)),
    files: [],
  } satisfies Schema<"commit-comparison">);
}

/** Files and folders of a commit, two commits side by side, and tags, read from git at each call. */
export const contentRoutes: Route[] = [
  { method: "GET", path: "/repos/{owner}/{repo}/contents", handle: showContents },
  { method: "GET", path: "/repos/{owner}/{repo}/contents/", handle: showContents },
  { method: "GET", path: "/repos/{owner}/{repo}/contents/{path+}", handle: showContents },
  { method: "GET", path: "/repos/{owner}/{repo}/compare/{basehead+}", handle: compare },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/git/tags/{sha}",
    async handle(call) {
      const { repository, folder, api } = open(call);
      const sha = call.parameters["sha"] ?? "";
      if (!/^[0-9a-f]{40}$/.test(sha)) throw notFound();
      const text = await runGit(folder, ["cat-file", "tag", sha]).catch((error: unknown) => {
        if (error instanceof GitError) throw notFound();
        throw error;
      });
      const [head = "", message = ""] = text.toString().split(/\n\n([\s\S]*)/);
      const field = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(head)?.[1] ?? "";
      return ok({
        node_id: nodeId("TAG", repository.id),
        tag: field("tag"),
        sha,
        url: `${api}/git/tags/${sha}`,
        message,
        tagger: { date: call.context.clock().toISOString(), email: "", name: field("tagger") },
        object: { sha: field("object"), type: field("type"), url: `${api}/git/${field("type")}s/${field("object")}` },
      } satisfies Schema<"git-tag">);
    },
  },
];
