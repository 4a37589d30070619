import type { Account, Author, Installation, InstallationToken } from "../state/records.ts";

/** Who calls: by no token, by the App's JWT, by an installation's token, or as a person. */
export type Actor =
  | { kind: "anonymous" }
  | { kind: "app" }
  | { kind: "installation"; installation: Installation; token: InstallationToken }
  | { kind: "user"; account: Account };

export function authorOf(actor: Actor): Author {
  return actor.kind === "user" ? { accountId: actor.account.id } : { app: true };
}
