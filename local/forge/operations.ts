import { rm } from "node:fs/promises";
import { chooseActor, ensureAccount, ensureUser, findAccount } from "./actions/accounts.ts";
import { withRefUpdates } from "./actions/apply-ref-updates.ts";
import { createRepository, forkRepository } from "./actions/create-repository.ts";
import { branchHead } from "./actions/fetch-pull-request-head.ts";
import { installApp, uninstallApp } from "./actions/install-app.ts";
import { mergePullRequest } from "./actions/merge-pull-request.ts";
import { openPullRequest } from "./actions/open-pull-request.ts";
import { updatePullRequest, type PullRequestUpdate } from "./actions/update-pull-request.ts";
import { createComment, deleteComment } from "./actions/write-comment.ts";
import { findRepository } from "./auth/access.ts";
import type { ForgeContext } from "./context.ts";
import type { Fault } from "./faults.ts";
import { commitFiles, listGivenFiles, readFolder } from "./git/commit-files.ts";
import { resolveCommit } from "./git/read-refs.ts";
import { repositoryFolder } from "./git/repository-folder.ts";
import { runGit } from "./git/run-git.ts";
import { emailOf } from "./render/commit.ts";
import { fullName } from "./render/repository.ts";
import { renderAuthor } from "./render/user.ts";
import type { Delivery, Level, PullRequest, Repository } from "./state/records.ts";
import { sendPing } from "./webhooks/send-app-events.ts";
import { sendPullRequestEvent } from "./webhooks/send-pull-request-event.ts";

export type RepositoryName = { owner: string; name: string };
export type PullRequestName = RepositoryName & { number: number; by?: string };
/** `null` removes a file. A folder is taken as it is, without `.git` and `node_modules`. */
export type Files = Record<string, string | Buffer | null> | { directory: string };

export type ForgeRepository = {
  id: number;
  owner: string;
  name: string;
  fullName: string;
  defaultBranch: string;
  url: string;
  cloneUrl: string;
};
export type ForgePullRequest = {
  id: number;
  number: number;
  state: "open" | "closed";
  merged: boolean;
  headSha: string;
  url: string;
};
export type ForgeComment = { id: number; body: string; user: string; createdAt: string; updatedAt: string };
export type ForgeDelivery = Delivery & { body: string };

export type ForgeOperations = ReturnType<typeof createForgeOperations>;

/** What tests and `catapult up` do to the forge without going through HTTP. `by` is a login; without it a person who may push acts. */
export function createForgeOperations(context: ForgeContext) {
  const { store } = context;

  function repositoryOf(o: RepositoryName): Repository {
    const repository = findRepository(context, o.owner, o.name);
    if (repository === undefined) throw new Error(`The forge has no repository ${o.owner}/${o.name}.`);
    return repository;
  }

  function pullOf(o: PullRequestName): { repository: Repository; pull: PullRequest } {
    const repository = repositoryOf(o);
    const pull = store.pullRequests.find((each) => each.repositoryId === repository.id && each.number === o.number);
    if (pull === undefined) throw new Error(`${o.owner}/${o.name} has no pull request ${o.number}.`);
    return { repository, pull };
  }

  function describeRepository(repository: Repository): ForgeRepository {
    const full = fullName(context, repository);
    const url = `${context.urls.web}/${full}`;
    const { id, name, defaultBranch } = repository;
    return { id, owner: full.slice(0, full.indexOf("/")), name, fullName: full, defaultBranch, url, cloneUrl: `${url}.git` };
  }

  function describePull(pull: PullRequest): ForgePullRequest {
    const repository = store.repositories.get(pull.repositoryId);
    const url = repository === undefined ? "" : `${describeRepository(repository).url}/pull/${pull.number}`;
    return { id: pull.id, number: pull.number, state: pull.state, merged: pull.mergedAt !== null, headSha: pull.head.sha, url };
  }

  async function push(
    o: RepositoryName & { branch: string; files: Files; from?: string; message?: string; replace?: boolean; by?: string },
  ): Promise<{ sha: string }> {
    const repository = repositoryOf(o);
    const folder = repositoryFolder(context.directory, repository.id);
    const by = chooseActor(context, repository, o.by);
    const { login, id } = renderAuthor(context, by);
    const files = isFolder(o.files) ? await readFolder(o.files.directory) : listGivenFiles(o.files);
    const remove = isFolder(o.files)
      ? []
      : Object.keys(o.files).filter((path) => (o.files as Record<string, unknown>)[path] === null);
    return await withRefUpdates(context, repository, by, async () => {
      const named = o.from === undefined ? undefined : await resolveCommit(folder, o.from);
      if (o.from !== undefined && named === undefined) throw new Error(`${o.owner}/${o.name} has no commit ${o.from}.`);
      // A new branch starts at the default one.
      const parent =
        named ??
        (await branchHead(context, repository.id, o.branch)) ??
        (await branchHead(context, repository.id, repository.defaultBranch));
      const sha = await commitFiles(folder, {
        branch: o.branch,
        parent,
        message: o.message ?? `Change ${o.branch}`,
        author: { name: login, email: emailOf({ login, id }) },
        at: context.clock(),
        files,
        remove,
        replace: o.replace ?? isFolder(o.files),
      });
      return { sha };
    });
  }

  async function update(o: PullRequestName, change: PullRequestUpdate): Promise<ForgePullRequest> {
    const { repository, pull } = pullOf(o);
    return describePull(await updatePullRequest(context, pull.id, change, chooseActor(context, repository, o.by)));
  }

  return {
    /** A person with a token for git and the API. Asked again for the same login, it gives the same token. */
    async createUser(o: { login: string }): Promise<{ id: number; login: string; token: string }> {
      const { id, login, token } = ensureUser(context, o.login);
      return { id, login, token };
    },

    /** A repository with one commit. The owner becomes an organisation, unless it is a user already. It is private unless told. */
    async createRepository(
      o: RepositoryName & { files: Files; defaultBranch?: string; private?: boolean; message?: string },
    ): Promise<ForgeRepository & { sha: string }> {
      const owner = ensureAccount(context, o.owner, "Organization");
      const branch = o.defaultBranch ?? "main";
      const repository = await createRepository(context, {
        owner,
        name: o.name,
        private: o.private ?? true,
        defaultBranch: branch,
        parentId: null,
      });
      const { sha } = await push({
        owner: o.owner,
        name: o.name,
        branch,
        files: o.files,
        message: o.message ?? "Initial commit",
      });
      return { ...describeRepository(repository), sha };
    },

    findRepository(o: RepositoryName): ForgeRepository | undefined {
      const repository = findRepository(context, o.owner, o.name);
      return repository && describeRepository(repository);
    },

    async addCollaborator(o: RepositoryName & { login: string; permission: Level }): Promise<void> {
      const repository = repositoryOf(o);
      const account = findAccount(context, o.login);
      if (account === undefined) throw new Error(`The forge has no user ${o.login}.`);
      store.repositories.put({ ...repository, collaborators: { ...repository.collaborators, [account.id]: o.permission } });
    },

    async installApp(o: RepositoryName): Promise<{ installationId: number }> {
      const repository = repositoryOf(o);
      return { installationId: installApp(context, repository, chooseActor(context, repository, undefined)).id };
    },

    async uninstallApp(o: RepositoryName): Promise<void> {
      const repository = repositoryOf(o);
      uninstallApp(context, repository, chooseActor(context, repository, undefined));
    },

    /** Gives the repository another name; its id and its history stay. */
    async renameRepository(o: RepositoryName & { to: string }): Promise<ForgeRepository> {
      return describeRepository(store.repositories.put({ ...repositoryOf(o), name: o.to }));
    },

    /** Removes a repository with its pull requests. Those that came from it stay, with `head.repo` null. */
    async deleteRepository(o: RepositoryName): Promise<void> {
      const repository = repositoryOf(o);
      uninstallApp(context, repository, chooseActor(context, repository, undefined));
      for (const pull of store.pullRequests.filter((each) => each.repositoryId === repository.id))
        store.pullRequests.delete(pull.id);
      for (const comment of store.comments.filter((each) => each.repositoryId === repository.id))
        store.comments.delete(comment.id);
      store.repositories.delete(repository.id);
      await rm(repositoryFolder(context.directory, repository.id), { recursive: true, force: true });
    },

    async forkRepository(o: RepositoryName & { by: string; as?: string }): Promise<ForgeRepository> {
      return describeRepository(await forkRepository(context, repositoryOf(o), ensureUser(context, o.by), o.as));
    },

    /**
     * Makes one commit on a branch and does all that a push does. The parent is `from` (a branch or commit; may rewrite the branch), else the
     * branch's head, else the default branch's. `replace` drops every other file; a folder always does.
     */
    pushFiles: push,

    async deleteBranch(o: RepositoryName & { branch: string; by?: string }): Promise<void> {
      const repository = repositoryOf(o);
      const folder = repositoryFolder(context.directory, repository.id);
      await withRefUpdates(context, repository, chooseActor(context, repository, o.by), () =>
        runGit(folder, ["update-ref", "-d", `refs/heads/${o.branch}`]),
      );
    },

    /** `head` is a branch, or `owner:branch` of a fork. */
    async openPullRequest(
      o: RepositoryName & { head: string; base?: string; title?: string; body?: string; draft?: boolean; by?: string },
    ): Promise<ForgePullRequest> {
      const repository = repositoryOf(o);
      const wanted = {
        title: o.title ?? `Change ${o.head}`,
        body: o.body ?? null,
        head: o.head,
        base: o.base ?? repository.defaultBranch,
        draft: o.draft ?? false,
      };
      return describePull(await openPullRequest(context, repository, wanted, chooseActor(context, repository, o.by)));
    },

    updatePullRequest: update,
    closePullRequest: (o: PullRequestName) => update(o, { state: "closed" }),
    reopenPullRequest: (o: PullRequestName) => update(o, { state: "open" }),

    async mergePullRequest(o: PullRequestName): Promise<{ sha: string }> {
      const { repository, pull } = pullOf(o);
      return { sha: await mergePullRequest(context, repository, pull, chooseActor(context, repository, o.by)) };
    },

    /** A locked conversation takes no comment of the App's any more. */
    async lockPullRequest(o: PullRequestName & { locked: boolean }): Promise<void> {
      const { repository, pull } = pullOf(o);
      const changed = store.pullRequests.put({ ...pull, locked: o.locked });
      const by = chooseActor(context, repository, o.by);
      sendPullRequestEvent(context, changed, { action: o.locked ? "locked" : "unlocked" }, by);
    },

    pullRequest: (o: PullRequestName): ForgePullRequest => describePull(pullOf(o).pull),

    async pullRequests(o: RepositoryName): Promise<ForgePullRequest[]> {
      const repository = repositoryOf(o);
      return store.pullRequests.filter((each) => each.repositoryId === repository.id).map(describePull);
    },

    async comments(o: PullRequestName): Promise<ForgeComment[]> {
      const { repository } = pullOf(o);
      return store.comments
        .filter((each) => each.repositoryId === repository.id && each.number === o.number)
        .map(({ id, body, author, createdAt, updatedAt }) => ({
          id,
          body,
          user: renderAuthor(context, author).login,
          createdAt,
          updatedAt,
        }));
    },

    async createComment(o: PullRequestName & { body: string }): Promise<{ id: number }> {
      const { repository, pull } = pullOf(o);
      return { id: createComment(context, repository, pull, o.body, chooseActor(context, repository, o.by)).id };
    },

    async deleteComment(o: PullRequestName & { id: number }): Promise<void> {
      const { repository, pull } = pullOf(o);
      const comment = store.comments.get(o.id);
      if (comment === undefined) throw new Error(`The forge has no comment ${o.id}.`);
      deleteComment(context, repository, pull, comment, chooseActor(context, repository, o.by));
    },

    /** Every attempt to deliver a webhook, oldest first. */
    async deliveries(): Promise<ForgeDelivery[]> {
      return store.deliveries.all().map((each) => ({ ...each, body: store.deliveryContent(each.id)?.body ?? "" }));
    },

    async redeliver(id: number): Promise<void> {
      const delivery = store.deliveries.get(id);
      if (delivery === undefined) throw new Error(`The forge has no delivery ${id}.`);
      context.webhooks.redeliver(delivery);
    },

    /** Sets where webhooks go, and sends a ping there if that is new. `undefined`: nowhere. */
    setWebhookUrl(url: string | undefined): void {
      context.webhooks.setUrl(url);
      if (url === undefined || store.setting("webhook_url") === url) return;
      store.setSetting("webhook_url", url);
      sendPing(context);
    },

    /** Settles once every webhook that was queued is delivered or has failed. */
    settled: () => context.webhooks.settled(),

    /** Lets the API misbehave; gives back what ends it. */
    setFault: (fault: Fault) => context.faults.set(fault),
    clearFaults: () => context.faults.clear(),
  };
}

function isFolder(files: Files): files is { directory: string } {
  return typeof files["directory"] === "string" && Object.keys(files).length === 1;
}
