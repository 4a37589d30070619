import { isCommit } from "./is-commit.ts";

/** The rules of a repository's config that decide what is deployed. */
export type ConfigRules = {
  repositoryId: bigint;
  domain: string;
  previewLabel: string;
  productionHost: string;
  forks: "off" | "approve" | "on";
  enabled: boolean;
  deleting: boolean;
};

/** A pull request as GitHub shows it now. */
export type SeenPullRequest = {
  number: bigint;
  open: boolean;
  commit: string;
  branch: string;
  /** undefined: the fork was deleted. */
  headRepositoryId: bigint | undefined;
  baseRepositoryId: bigint;
};

/** A repository's default branch as GitHub shows it now. */
export type SeenBranch = { repositoryId: bigint; branch: string; commit: string };

export type DesiredSite = { kind: "production"; host: string } | { kind: "preview"; host: string; pullRequest: bigint };

/** Only a preview may be of a fork: what is served for production is always the repository's own. */
export type DesiredDeployment = { commit: string; branch: string } & (
  | { site: Extract<DesiredSite, { kind: "production" }>; trust: "repository"; held: false }
  | { site: Extract<DesiredSite, { kind: "preview" }>; trust: "repository" | "fork"; held: boolean }
);

export type Decision =
  | { do: "deploy"; desired: DesiredDeployment }
  | { do: "remove" }
  | { do: "ignore"; reason: string }
  | { do: "reject"; reason: string };

/**
 * What should be live for a pull request. A closed one goes whatever the config says: previews outlive their pull requests where a close asks
 * the base branch or the enabled flag first. undefined: GitHub has no such pull request.
 */
export function decidePullRequest(config: ConfigRules, seen: SeenPullRequest | undefined): Decision {
  if (seen === undefined || !seen.open) return { do: "remove" };
  if (seen.baseRepositoryId !== config.repositoryId) {
    return { do: "reject", reason: "the name belongs to another repository now" };
  }
  const off = refuseNew(config);
  if (off !== undefined) return { do: "ignore", reason: off };
  if (!isCommit(seen.commit)) return { do: "reject", reason: "the head is not a commit" };
  const fork = seen.headRepositoryId !== seen.baseRepositoryId;
  if (fork && config.forks === "off") return { do: "ignore", reason: "forks are off in the deployment config" };
  return {
    do: "deploy",
    desired: {
      site: { kind: "preview", pullRequest: seen.number, host: previewHost(config, seen.number) },
      commit: seen.commit,
      branch: seen.branch,
      trust: fork ? "fork" : "repository",
      held: fork && config.forks === "approve",
    },
  };
}

/** What should be live for the default branch. A branch that is gone leaves the site as it is. */
export function decideBranch(config: ConfigRules, seen: SeenBranch | undefined): Decision {
  if (seen === undefined) return { do: "ignore", reason: "GitHub has no such branch" };
  if (seen.repositoryId !== config.repositoryId) return { do: "reject", reason: "the name belongs to another repository now" };
  const off = refuseNew(config);
  if (off !== undefined) return { do: "ignore", reason: off };
  if (!isCommit(seen.commit)) return { do: "reject", reason: "the branch's head is not a commit" };
  return {
    do: "deploy",
    desired: {
      site: { kind: "production", host: config.productionHost },
      commit: seen.commit,
      branch: seen.branch,
      trust: "repository",
      held: false,
    },
  };
}

/** One label, so that one wildcard certificate covers it. */
export function previewHost(config: { previewLabel: string; domain: string }, pullRequest: bigint): string {
  return `pr-${pullRequest}-${config.previewLabel}.${config.domain}`;
}

function refuseNew(config: ConfigRules): string | undefined {
  if (config.deleting) return "the deployment config is being removed";
  if (!config.enabled) return "the deployment config is disabled";
  return undefined;
}
