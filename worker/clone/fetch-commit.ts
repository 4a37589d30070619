import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkTree } from "#worker/clone/check-tree.ts";
import { CloneError } from "#worker/clone/clone-error.ts";
import { runGit, type GitLimits } from "#worker/clone/run-git.ts";
import { removeTree } from "#worker/publish/remove-tree.ts";

export type FetchRequest = {
  /** GITHUB_URL. */
  baseUrl: string;
  /** `owner/name`, validated by the proto's rules. */
  repository: string;
  /** 40 hex digits. */
  commit: string;
  /** Empty: the repository is public. */
  token: string;
  /** The folder that clones lie in while they are needed. */
  clonesDir: string;
  /** A file of certificates that git trusts instead of the system's. */
  caFile?: string;
  limits: GitLimits;
  signal: AbortSignal;
};

export type Clone = { gitDir: string; commit: string; limits: GitLimits; remove(): Promise<void> };

/** Of the attributes, none may change what `git archive` gives: it must be the tree as it was committed. */
const attributes = "* -export-ignore -export-subst -filter -ident -text -eol -working-tree-encoding\n";

/** Outside of refs/heads, where older gits keep commits alone and newer ones anything: what came is judged here, not by git's version. */
const fetched = "refs/catapult/fetched";

/**
 * Fetches one commit without its history into a bare repository without a working tree. The token goes to git by its environment, so it is
 * in no argv, URL or file. The folder goes when this fails, else by `remove`.
 */
export async function fetchCommit(o: FetchRequest): Promise<Clone> {
  checkRequest(o);
  await mkdir(o.clonesDir, { recursive: true, mode: 0o700 });
  const gitDir = await mkdtemp(join(o.clonesDir, "clone-"));
  const clone: Clone = { gitDir, commit: o.commit, limits: o.limits, remove: () => removeTree(gitDir) };
  try {
    const call = { gitDir, limits: o.limits, signal: o.signal };
    await runGit({ ...call, args: ["init", "--quiet", "--bare", "--template=", "--object-format=sha1"] });
    await mkdir(join(gitDir, "info"));
    await writeFile(join(gitDir, "info", "attributes"), attributes);
    const url = `${o.baseUrl.replace(/\/$/, "")}/${o.repository}.git`;
    const protocol = new URL(url).protocol === "http:" ? "http" : "https";
    const config: [string, string][] = [[`protocol.${protocol}.allow`, "always"]];
    if (o.token !== "") {
      const credentials = Buffer.from(`x-access-token:${o.token}`).toString("base64");
      config.push(["http.extraHeader", `Authorization: Basic ${credentials}`]);
    }
    await runGit({
      ...call,
      args: [
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--",
        url,
        `${o.commit}:${fetched}`,
      ],
      config,
      environment: o.caFile === undefined ? {} : { GIT_SSL_CAINFO: o.caFile },
    });
    const found = (await runGit({ ...call, args: ["rev-parse", "--verify", "--end-of-options", `${fetched}^{commit}`] }))
      .toString()
      .trim();
    if (found !== o.commit) {
      throw new CloneError(
        "commit_mismatch",
        `the server gave commit ${found.slice(0, 40)} of ${o.repository} where ${o.commit} was asked for`,
      );
    }
    await checkTree({ ...call }, `${found}^{tree}`, o.limits.maxEntries);
    return clone;
  } catch (error) {
    await clone.remove();
    throw error;
  }
}

/** The contract's rules once more, where what they keep out would become a refspec and a URL. */
function checkRequest({ commit, repository }: FetchRequest): void {
  if (!/^[0-9a-f]{40}$/.test(commit) || /^0+$/.test(commit))
    throw new CloneError("commit_invalid", `${JSON.stringify(commit.slice(0, 64))} is no commit's SHA of 40 hex digits`);
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9_.-]{1,100}$/.test(repository) || repository.includes(".."))
    throw new CloneError("repository_invalid", `${JSON.stringify(repository.slice(0, 160))} is no owner/name`);
}
