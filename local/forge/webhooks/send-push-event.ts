import type { ForgeContext } from "../context.ts";
import { isAncestor, zeroSha, type RefUpdate } from "../git/read-refs.ts";
import { readCommit, readCommits, type CommitRecord } from "../git/read-commits.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { emailOf } from "../render/commit.ts";
import { fullName, ownerOf } from "../render/repository.ts";
import type { WebhookSchema } from "../render/schema.ts";
import { renderAuthor } from "../render/user.ts";
import type { Author, Repository } from "../state/records.ts";
import { installationOf, renderEnvelope } from "./envelope.ts";

const commitsShown = 2048; // GitHub's limit for one push event

function renderPushCommit(html: string, commit: CommitRecord) {
  const paths = (status: string) => commit.files.filter((file) => file.status === status).map((file) => file.path);
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${html}/commit/${commit.sha}`,
    author: { name: commit.author.name, email: commit.author.email },
    committer: { name: commit.committer.name, email: commit.committer.email },
    added: paths("added"),
    removed: paths("removed"),
    modified: paths("modified"),
  };
}

export async function sendPushEvent(
  context: ForgeContext,
  repository: Repository,
  update: RefUpdate,
  sender: Author,
): Promise<void> {
  const installation = installationOf(context, repository);
  if (installation === undefined || !installation.events.includes("push") || context.webhooks.url() === undefined) return;
  const folder = repositoryFolder(context.directory, repository.id);
  const html = `${context.urls.web}/${fullName(context, repository)}`;
  const created = update.before === zeroSha;
  const deleted = update.after === zeroSha;
  const isBranch = update.ref.startsWith("refs/heads/");
  const range = created
    ? [`--exclude=${update.ref}`, "--not", "--branches", "--not", update.after]
    : [`${update.before}..${update.after}`];
  const commits = deleted || !isBranch ? [] : (await readCommits(folder, range, commitsShown)).toReversed();
  const readHead = async () => commits.find(({ sha }) => sha === update.after) ?? readCommit(folder, `${update.after}^{commit}`);
  const short = update.ref.replace(/^refs\/(?:heads|tags)\//, "");
  const { repository: plain, ...envelope } = renderEnvelope(context, repository, installation, sender);
  const owner = ownerOf(context, repository);
  const account = renderAuthor(context, sender);
  const payload = {
    ref: update.ref,
    before: update.before,
    after: update.after,
    repository: {
      ...plain,
      owner: { name: owner.login, email: emailOf(owner), ...plain.owner },
      url: html,
      // A push event alone tells these two as Unix seconds.
      created_at: Math.floor(Date.parse(repository.createdAt) / 1000),
      pushed_at: Math.floor(Date.parse(repository.pushedAt) / 1000),
      stargazers: 0,
      master_branch: repository.defaultBranch,
      ...(owner.type === "Organization" ? { organization: owner.login } : {}),
    },
    pusher: { name: account.login, email: emailOf(account) },
    ...envelope,
    created,
    deleted,
    forced: !created && !deleted && !(await isAncestor(folder, update.before, update.after)),
    base_ref: null,
    compare:
      created || deleted
        ? `${html}/compare/${short}`
        : `${html}/compare/${update.before.slice(0, 12)}...${update.after.slice(0, 12)}`,
    commits: commits.map((commit) => renderPushCommit(html, commit)),
    head_commit: deleted ? null : renderPushCommit(html, await readHead()),
  } satisfies WebhookSchema<"webhook-push">;
  context.webhooks.send({ event: "push", action: null, payload, installationId: installation.id, repositoryId: repository.id });
}
