import type { ForgeContext } from "../context.ts";
import { findRepository } from "../auth/access.ts";
import { createBareRepository } from "../git/create-bare-repository.ts";
import { runGit } from "../git/run-git.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { HttpError } from "../http/errors.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Account, Repository } from "../state/records.ts";

export async function createRepository(
  context: ForgeContext,
  o: { owner: Account; name: string; private: boolean; defaultBranch: string; parentId: number | null },
): Promise<Repository> {
  if (!/^[\w.-]{1,100}$/.test(o.name) || /^\.{1,2}$|\.git$/.test(o.name)) throw new Error(`"${o.name}" is no repository name.`);
  if (findRepository(context, o.owner.login, o.name) !== undefined)
    throw new HttpError(422, `${o.owner.login}/${o.name} already exists.`);
  const now = timestamp(context.clock());
  const id = context.store.nextId();
  await createBareRepository(repositoryFolder(context.directory, id), o.defaultBranch);
  return context.store.repositories.put({
    id,
    ownerId: o.owner.id,
    name: o.name,
    private: o.private,
    defaultBranch: o.defaultBranch,
    parentId: o.parentId,
    collaborators: {},
    nextNumber: 1,
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
  });
}

/** A fork of the same name (or `name`) under another account: branches and tags, without the parent's pull requests. An existing one is given back. */
export async function forkRepository(
  context: ForgeContext,
  parent: Repository,
  owner: Account,
  name = parent.name,
): Promise<Repository> {
  const existing = context.store.repositories.find((each) => each.parentId === parent.id && each.ownerId === owner.id);
  if (existing !== undefined) return existing;
  const fork = await createRepository(context, {
    owner,
    name,
    private: parent.private,
    defaultBranch: parent.defaultBranch,
    parentId: parent.id,
  });
  const source = repositoryFolder(context.directory, parent.id);
  await runGit(repositoryFolder(context.directory, fork.id), [
    "fetch",
    "--quiet",
    source,
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
  ]);
  return fork;
}
