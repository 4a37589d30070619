/** What the forge remembers. Plain data: each record is stored as JSON under its kind and id. */
export type Level = "read" | "write" | "admin";
export type Permissions = Record<string, Level>;

export type Account = { id: number; login: string; type: "User" | "Organization"; createdAt: string; token?: string };

export type Repository = {
  id: number;
  ownerId: number;
  name: string;
  private: boolean;
  defaultBranch: string;
  parentId: number | null;
  collaborators: Record<string, Level>; // by account id
  nextNumber: number; // of the next issue or pull request
  createdAt: string;
  updatedAt: string;
  pushedAt: string;
};

/** Who wrote something: an account, or the App (shown as `<slug>[bot]`). */
export type Author = { accountId: number } | { app: true };

export type PullRequest = {
  id: number;
  number: number;
  repositoryId: number;
  title: string;
  body: string | null;
  state: "open" | "closed";
  draft: boolean;
  locked: boolean;
  author: Author;
  head: { repositoryId: number; ref: string; sha: string };
  base: { ref: string; sha: string };
  createdAt: string;
  updatedAt: string;
  closedAt: string | null;
  mergedAt: string | null;
  mergedBy: Author | null;
  mergeCommitSha: string | null;
  counts: { commits: number; additions: number; deletions: number; changedFiles: number };
};

export type Comment = {
  id: number;
  repositoryId: number;
  number: number; // of the pull request
  author: Author;
  body: string;
  createdAt: string;
  updatedAt: string;
};

export type Installation = {
  id: number;
  accountId: number;
  repositoryIds: number[];
  permissions: Permissions;
  events: string[];
  createdAt: string;
  updatedAt: string;
};

export type InstallationToken = {
  id: number;
  hash: string; // SHA-256 of the token, hex
  installationId: number;
  repositoryIds: number[] | null; // null: all of the installation's
  permissions: Permissions;
  expiresAt: string;
};

/** One attempt to deliver one webhook. The payload lies beside it, so that the list stays small. */
export type Delivery = {
  id: number;
  guid: string;
  deliveredAt: string;
  redelivery: boolean;
  durationMs: number;
  status: string;
  statusCode: number; // 0: no answer came
  event: string;
  action: string | null;
  installationId: number | null;
  repositoryId: number | null;
  url: string;
};

export type DeliveryContent = {
  requestHeaders: Record<string, string>;
  body: string;
  responseHeaders: Record<string, string>;
  responseBody: string;
};
