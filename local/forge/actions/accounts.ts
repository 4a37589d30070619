import { randomBytes } from "node:crypto";
import type { ForgeContext } from "../context.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Account, Author, Repository } from "../state/records.ts";

export function findAccount(context: Pick<ForgeContext, "store">, login: string): Account | undefined {
  return context.store.accounts.find((each) => each.login.toLowerCase() === login.toLowerCase());
}

/** The account of this name; made if there is none. */
export function ensureAccount(context: Pick<ForgeContext, "store" | "clock">, login: string, type: Account["type"]): Account {
  if (!/^[a-z\d](?:[a-z\d]|-(?=[a-z\d])){0,38}$/i.test(login))
    throw new Error(`"${login}" is no GitHub login: letters, digits and single hyphens, 39 at most.`);
  const found = findAccount(context, login);
  return found ?? context.store.accounts.put({ id: context.store.nextId(), login, type, createdAt: timestamp(context.clock()) });
}

export function ensureUser(context: ForgeContext, login: string): Account & { token: string } {
  const account = ensureAccount(context, login, "User");
  if (account.type !== "User") throw new Error(`${login} is an organisation here, not a user.`);
  const token = account.token ?? `ghp_${randomBytes(27).toString("base64url").replaceAll(/[-_]/g, "0")}`;
  return { ...context.store.accounts.put({ ...account, token }), token };
}

/** Who acts where a test names nobody: a person who may push, else the owner. */
export function chooseActor(context: ForgeContext, repository: Repository, login: string | undefined): Author {
  if (login !== undefined) {
    const named = findAccount(context, login);
    if (named === undefined) throw new Error(`The forge has no user ${login}.`);
    return { accountId: named.id };
  }
  const pusher = Object.entries(repository.collaborators).find(([, level]) => level !== "read");
  return { accountId: pusher === undefined ? repository.ownerId : Number(pusher[0]) };
}
