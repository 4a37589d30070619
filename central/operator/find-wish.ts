import { Code, type ConnectError } from "@connectrpc/connect";
import { type ConfigRules, decideBranch, decidePullRequest, type Decision, type DesiredSite } from "#central/decision/decide.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { isHeldBy, resolveRef } from "#central/github/resolve-ref.ts";
import { lookAtDefaultBranch, lookAtPullRequest } from "#central/intake/look-at-github.ts";
import { type Config, selectConfig } from "#central/intake/sql/select-config.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { Pool } from "pg";

/** What an operator wants live. `head` is what the site would have by itself. */
export type Wish = {
  site: DesiredSite;
  commit: string;
  branch: string;
  trust: "repository" | "fork";
  held: boolean;
  head: string;
};

type Asked = { ref: string; pullRequest: bigint };
type Context = { pool: Pool; github: GitHub };

/** Asks GitHub what a ref stands for; the wish itself is decided under the config's lock. */
export async function findWish(o: Context, config: Config, asked: Asked): Promise<(locked: ConfigRules) => Wish> {
  if (asked.pullRequest !== 0n) return findPreviewWish(o, config, asked);
  const seen = await lookAtDefaultBranch(o, config);
  if (seen === undefined) throw refNotFound("the default branch");
  // A look follows a repository that was renamed.
  const current = (await selectConfig(o.pool, config.id)) ?? config;
  const found =
    asked.ref === "" ? { commit: seen.commit, branch: seen.branch } : await findRef(o.github, current, asked.ref, [seen]);
  return (locked) => ({ ...accept(decideBranch(locked, seen)), ...found, head: seen.commit });
}

async function findPreviewWish(o: Context, config: Config, asked: Asked): Promise<(locked: ConfigRules) => Wish> {
  const number = asked.pullRequest;
  const seen = await lookAtPullRequest(o, config, number);
  if (seen === undefined) {
    throw reasonError(Code.NotFound, "pull_request_not_found", `pull_request: GitHub has no pull request ${number}`);
  }
  if (!seen.open) throw reasonError(Code.FailedPrecondition, "pull_request_closed", `the pull request ${number} is closed`);
  if (asked.ref === "") return (locked) => ({ ...accept(decidePullRequest(locked, seen)), head: seen.commit });
  const branch = await lookAtDefaultBranch(o, config);
  const current = (await selectConfig(o.pool, config.id)) ?? config;
  const own = seen.headRepositoryId === seen.baseRepositoryId ? [{ branch: seen.branch, commit: seen.commit }] : [];
  const found = await findRef(o.github, current, asked.ref, [...own, ...(branch === undefined ? [] : [branch])]);
  // The ref is of the repository itself, whosever the pull request is.
  const trust = { trust: "repository", held: false } as const;
  return (locked) => ({ ...accept(decidePullRequest(locked, seen)), ...found, ...trust, head: seen.commit });
}

/** A branch, a tag, or a commit that one of the branches holds. */
async function findRef(
  github: GitHub,
  config: Config,
  ref: string,
  branches: readonly { branch: string; commit: string }[],
): Promise<{ commit: string; branch: string }> {
  if (/^[0-9a-f]{40}$/.test(ref)) {
    for (const { branch, commit } of branches) if (await isHeldBy(github, config, commit, ref)) return { commit: ref, branch };
    const names = branches.map(({ branch }) => branch).join(", ");
    const message = `ref: ${ref} is not a commit that ${names} holds, so it may be anybody's`;
    throw reasonError(Code.FailedPrecondition, "ref_not_allowed", message, { fields: [{ field: "ref", message }] });
  }
  const name = ref.replace(/^refs\/(?=heads\/|tags\/)/, "");
  const candidates = name === ref ? [`heads/${ref}`, `tags/${ref}`] : [name];
  if (!isRefName(ref)) throw refNotFound(JSON.stringify(ref.slice(0, 100)));
  for (const candidate of candidates) {
    const commit = await resolveRef(github, config, candidate);
    if (commit !== undefined) return { commit, branch: candidate.replace(/^(heads|tags)\//, "") };
  }
  throw refNotFound(JSON.stringify(ref.slice(0, 100)));
}

/** What git takes as a name of a branch or tag, so that nothing else is asked of GitHub's paths. */
function isRefName(ref: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)/.test(ref) || !ref.isWellFormed()) return false;
  return !/^[/.-]|[/.]$/.test(ref);
}

function accept(decision: Decision): Omit<Wish, "head"> {
  if (decision.do === "deploy") return decision.desired;
  const reason = decision.do === "remove" ? "the pull request is closed" : decision.reason;
  throw reasonError(Code.FailedPrecondition, "ref_not_allowed", `nothing is deployed there: ${reason}`);
}

function refNotFound(what: string): ConnectError {
  const message = `ref: GitHub has no ${what} in this repository`;
  return reasonError(Code.NotFound, "ref_not_found", message, { fields: [{ field: "ref", message }] });
}
