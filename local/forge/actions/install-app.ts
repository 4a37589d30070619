import type { ForgeContext } from "../context.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Author, Installation, Repository } from "../state/records.ts";
import { sendInstallationEvent, sendInstallationRepositoriesEvent } from "../webhooks/send-app-events.ts";

/** Gives the App access to a repository: a new installation on its owner, or one repository more of the one that is there. */
export function installApp(context: ForgeContext, repository: Repository, sender: Author): Installation {
  const now = timestamp(context.clock());
  const existing = context.store.installations.find((each) => each.accountId === repository.ownerId);
  if (existing?.repositoryIds.includes(repository.id) === true) return existing;
  if (existing !== undefined) {
    const installation = { ...existing, repositoryIds: [...existing.repositoryIds, repository.id], updatedAt: now };
    context.store.installations.put(installation);
    sendInstallationRepositoriesEvent(context, { action: "added", installation, repositories: [repository], sender });
    return installation;
  }
  const installation = context.store.installations.put({
    id: context.store.nextId(),
    accountId: repository.ownerId,
    repositoryIds: [repository.id],
    permissions: { ...context.app.permissions },
    events: [...context.app.events],
    createdAt: now,
    updatedAt: now,
  });
  sendInstallationEvent(context, { action: "created", installation, repositories: [repository], sender });
  return installation;
}

/** Takes a repository away from the App; with the last one the installation goes, and its tokens with it. */
export function uninstallApp(context: ForgeContext, repository: Repository, sender: Author): void {
  const existing = context.store.installations.find((each) => each.repositoryIds.includes(repository.id));
  if (existing === undefined) return;
  const installation = {
    ...existing,
    repositoryIds: existing.repositoryIds.filter((id) => id !== repository.id),
    updatedAt: timestamp(context.clock()),
  };
  if (installation.repositoryIds.length > 0) {
    context.store.installations.put(installation);
    sendInstallationRepositoriesEvent(context, { action: "removed", installation, repositories: [repository], sender });
    return;
  }
  context.store.installations.delete(existing.id);
  sendInstallationEvent(context, { action: "deleted", installation: existing, repositories: [repository], sender });
}
