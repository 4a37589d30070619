/** What GitHub says a person may do with a repository. */
export type SeenPermission = { permission: string; userId: bigint };

// GitHub answers maintain as write and triage as read; a role of an organisation's own, as what it is built on.
const allowed: ReadonlySet<string> = new Set(["write", "maintain", "admin"]);

/**
 * Whether a person may let a fork's commit be built; undefined: GitHub knows no such collaborator. The id is compared because a login can be
 * given up and taken by somebody else. A payload's author_association is never asked: it says nothing of permissions.
 */
export function mayApprove(seen: SeenPermission | undefined, userId: bigint): boolean {
  return seen !== undefined && seen.userId === userId && allowed.has(seen.permission);
}
