import { execFile } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "#test/support/eventually.ts";
import { addRepository, type TestCentral, webhookSecret } from "#test/central/support/start-test-central.ts";

export type HeldFork = Awaited<ReturnType<typeof openForkPullRequest>>;

/** A repository with a maintainer, somebody who may read, and a pull request from the `main` of a stranger's fork. */
export async function openForkPullRequest(central: TestCentral, name: string, forks: "off" | "approve" | "on" = "approve") {
  const { forge } = central;
  const base = { owner: "acme", name };
  const { id, configId } = await addRepository(central, name, forks);
  const people = { maintainer: "write", admin: "admin", reader: "read" } as const;
  for (const [login, permission] of Object.entries(people)) {
    await forge.createUser({ login });
    await forge.addCollaborator({ ...base, login, permission });
  }
  const stranger = await forge.createUser({ login: "stranger" });
  const fork = await forge.forkRepository({ ...base, by: "stranger" });
  // The name makes the commit this repository's alone: equal files of one second would give two forks one SHA.
  const push = async (text: string) => {
    const theirs = { owner: fork.owner, name: fork.name, by: "stranger" };
    return (await forge.pushFiles({ ...theirs, branch: "main", files: { "index.html": `${text} of ${name}` } })).sha;
  };
  const sha = await push("theirs");
  const { number } = await forge.openPullRequest({ ...base, title: "x", head: "stranger:main", base: "main", by: "stranger" });
  return {
    ...base,
    id,
    configId,
    forkId: fork.id,
    strangerId: stranger.id,
    number,
    sha,
    push,
    forceTo: async (commit: string) => forcePush(fork.cloneUrl.replace("://", `://stranger:${stranger.token}@`), commit),
    host: `pr-${number}-${name}.one.test`,
    comment: async (by: string, body: string) => forge.createComment({ ...base, number, by, body }),
    approve: async (by: string, commit: string) =>
      forge.createComment({ ...base, number, by, body: `/catapult approve ${commit}` }),
    ours: async () => (await forge.comments({ ...base, number })).filter((one) => one.user === "catapult[bot]"),
  };
}

/** Moves the fork's `main` to a commit that it had before. */
async function forcePush(url: string, commit: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "catapult-force-"));
  const git = async (...words: string[]) => promisify(execFile)("git", ["-C", folder, ...words]);
  try {
    await git("init", "--quiet");
    await git("fetch", "--quiet", url, commit);
    await git("push", "--quiet", "--force", url, `${commit}:refs/heads/main`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How the newest delivery that holds a text ended. What is put off meanwhile is taken up at once. */
export async function endOfDelivery(central: TestCentral, event: string, text: string) {
  return eventually(async () => {
    // The longest put-off is 15 s; a claim holds for longer, and is left alone.
    await central.pool.query(
      `update webhook_deliveries set next_attempt_at = now() where event = $1 and position($2 in body) > 0 and state = 'received'
         and reason is not null and next_attempt_at between now() and now() + interval '15 s'`,
      [event, text],
    );
    const { rows } = await central.pool.query<{ state: string; reason: string }>(
      `select state, reason from webhook_deliveries where event = $1 and position($2 in body) > 0 order by received_at desc limit 1`,
      [event, text],
    );
    const end = rows[0];
    if (end === undefined || end.state === "received") throw new Error(`no ended delivery of ${event} with ${text}`);
    return end;
  });
}

/** Delivers a payload as GitHub would, with the secret: what somebody who knows it, or replays, could bring. */
export async function deliver(central: TestCentral, event: string, payload: object): Promise<void> {
  const body = JSON.stringify(payload);
  const response = await fetch(`${central.url}/webhook/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": event,
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${createHmac("sha256", webhookSecret).update(body).digest("hex")}`,
    },
    body,
  });
  if (response.status !== 202) throw new Error(`the webhook answered ${response.status}`);
}

export async function selectApprovals(central: TestCentral, host: string) {
  const { rows } = await central.pool.query<{ commit: string; kind: string; approver: string }>(
    `select a.commit_sha as commit, a.approver_kind as kind, a.approver from approvals a join sites s on s.id = a.site_id
     where s.host = $1 order by a.created_at`,
    [host],
  );
  return rows;
}
