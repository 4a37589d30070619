import type { ForgeContext } from "../context.ts";
import { notFound } from "../http/errors.ts";
import type { Account, Level, Repository } from "../state/records.ts";
import { nodeId, type Schema } from "./schema.ts";
import { renderAccount } from "./user.ts";

export function ownerOf(context: ForgeContext, repository: Repository): Account {
  const owner = context.store.accounts.get(repository.ownerId);
  if (owner === undefined) throw notFound();
  return owner;
}

export function fullName(context: ForgeContext, repository: Repository): string {
  return `${ownerOf(context, repository).login}/${repository.name}`;
}

export function repositoryApiUrl(context: ForgeContext, repository: Repository): string {
  return `${context.urls.api}/repos/${fullName(context, repository)}`;
}

function renderUrls(context: ForgeContext, repository: Repository) {
  const url = repositoryApiUrl(context, repository);
  const full = fullName(context, repository);
  const html = `${context.urls.web}/${full}`;
  return {
    html_url: html,
    url,
    forks_url: `${url}/forks`,
    keys_url: `${url}/keys{/key_id}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    teams_url: `${url}/teams`,
    hooks_url: `${url}/hooks`,
    issue_events_url: `${url}/issues/events{/number}`,
    events_url: `${url}/events`,
    assignees_url: `${url}/assignees{/user}`,
    branches_url: `${url}/branches{/branch}`,
    tags_url: `${url}/tags`,
    blobs_url: `${url}/git/blobs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    trees_url: `${url}/git/trees{/sha}`,
    statuses_url: `${url}/statuses/{sha}`,
    languages_url: `${url}/languages`,
    stargazers_url: `${url}/stargazers`,
    contributors_url: `${url}/contributors`,
    subscribers_url: `${url}/subscribers`,
    subscription_url: `${url}/subscription`,
    commits_url: `${url}/commits{/sha}`,
    git_commits_url: `${url}/git/commits{/sha}`,
    comments_url: `${url}/comments{/number}`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    contents_url: `${url}/contents/{+path}`,
    compare_url: `${url}/compare/{base}...{head}`,
    merges_url: `${url}/merges`,
    archive_url: `${url}/{archive_format}{/ref}`,
    downloads_url: `${url}/downloads`,
    issues_url: `${url}/issues{/number}`,
    pulls_url: `${url}/pulls{/number}`,
    milestones_url: `${url}/milestones{/number}`,
    notifications_url: `${url}/notifications{?since,all,participating}`,
    labels_url: `${url}/labels{/name}`,
    releases_url: `${url}/releases{/id}`,
    deployments_url: `${url}/deployments`,
    git_url: `git://${new URL(context.urls.web).host}/${full}.git`,
    ssh_url: `git@${new URL(context.urls.web).hostname}:${full}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
  };
}

// What the description of this schema leaves out, though GitHub sends it.
const organizationSettings = { custom_properties: {} };

export function renderRepository(context: ForgeContext, repository: Repository) {
  const open = context.store.pullRequests.filter((each) => each.repositoryId === repository.id && each.state === "open").length;
  const forks = context.store.repositories.filter((each) => each.parentId === repository.id).length;
  const visibility: "private" | "public" = repository.private ? "private" : "public";
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: fullName(context, repository),
    private: repository.private,
    owner: renderAccount(context, ownerOf(context, repository)),
    description: null,
    fork: repository.parentId !== null,
    ...renderUrls(context, repository),
    created_at: repository.createdAt,
    updated_at: repository.updatedAt,
    pushed_at: repository.pushedAt,
    homepage: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: forks,
    archived: false,
    disabled: false,
    open_issues_count: open,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [] as string[],
    visibility,
    ...organizationSettings,
    forks,
    open_issues: open,
    watchers: 0,
    default_branch: repository.defaultBranch,
  } satisfies Schema<"repository">;
}

const mergeSettings = {
  allow_squash_merge: true,
  allow_merge_commit: true,
  allow_rebase_merge: true,
  allow_auto_merge: false,
  delete_branch_on_merge: false,
  allow_update_branch: false,
};

/** As it stands inside a pull request. */
export function renderPullRequestRepository(context: ForgeContext, repository: Repository) {
  return { ...renderRepository(context, repository), ...mergeSettings } satisfies Schema<"repository">;
}

export function renderFullRepository(context: ForgeContext, repository: Repository, level: Level | undefined) {
  const parent = repository.parentId === null ? undefined : context.store.repositories.get(repository.parentId);
  const owner = ownerOf(context, repository);
  return {
    ...renderRepository(context, repository),
    ...mergeSettings,
    ...(level === undefined ? {} : { permissions: renderPermissions(level) }),
    ...(owner.type === "Organization" ? { organization: renderAccount(context, owner) } : {}),
    ...(parent === undefined ? {} : { parent: renderRepository(context, parent), source: renderRepository(context, parent) }),
    subscribers_count: 0,
    network_count: 0,
  } satisfies Schema<"full-repository">;
}

export function renderPermissions(level: Level) {
  const push = level !== "read";
  return { admin: level === "admin", maintain: level === "admin", push, triage: push, pull: true };
}
