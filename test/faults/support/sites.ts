import { expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import type { Stack } from "#test/support/stack.ts";

export const repository = { owner: "acme", name: "site" };

/** A repository with a config, whose default branch is live. */
export async function addSite(stack: Stack, o: { maxRunning?: number } = {}): Promise<{ id: number }> {
  const { id } = await stack.forge.createRepository({ ...repository, files: { "index.html": "main" } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: "acme",
      githubRepo: "site",
      environment: "one",
      domain: "one.localhost",
      subdomain: "www",
      ...o,
    },
  });
  await eventually(async () => expect(await liveCommit(stack, "www.one.localhost")).toBeDefined());
  return { id };
}

export function hostOf(pullRequest: number): string {
  return `pr-${pullRequest}-site.one.localhost`;
}

let branches = 0;

/** A branch with one commit that no pull request is open from. */
export async function pushBranch(stack: Stack, branch = `change-${++branches}`): Promise<{ branch: string; sha: string }> {
  const { sha } = await push(stack, branch);
  return { branch, sha };
}

let versions = 0;

export async function push(stack: Stack, branch: string): Promise<{ sha: string; text: string }> {
  const text = `version ${++versions}`;
  const { sha } = await stack.forge.pushFiles({ ...repository, branch, files: { "index.html": text } });
  return { sha, text };
}

/** A pull request of a branch of its own, whose preview is live. */
export async function openLive(stack: Stack): Promise<{ number: number; host: string; branch: string; sha: string }> {
  const { branch, sha } = await pushBranch(stack);
  const { number } = await stack.forge.openPullRequest({ ...repository, head: branch });
  await expectLive(stack, hostOf(number), sha);
  return { number, host: hostOf(number), branch, sha };
}

export type DeploymentRow = { commit: string; state: string };

export async function deploymentsOf(stack: Stack, host: string): Promise<DeploymentRow[]> {
  const { rows } = await stack.pool.query<DeploymentRow>(
    `select d.commit_sha as commit, d.state from deployment_history d join sites s on s.id = d.site_id
     where s.host = $1 order by d.generation`,
    [host],
  );
  return rows;
}

export async function liveCommit(stack: Stack, host: string): Promise<string | undefined> {
  const { rows } = await stack.pool.query<{ commit: string }>(
    "select d.commit_sha as commit from sites s join deployment_history d on d.id = s.live_deployment where s.host = $1",
    [host],
  );
  return rows[0]?.commit;
}

export async function expectLive(stack: Stack, host: string, commit: string): Promise<void> {
  await eventually(async () => expect(await liveCommit(stack, host)).toBe(commit), 60_000);
}

/** As if a lease of 30 s had gone by, of these hosts or of all: the database's clock judges it. */
export async function endLeases(stack: Stack, hosts?: readonly string[]): Promise<void> {
  await stack.pool.query(
    `update deployment_history d set lease_expires_at = now() - interval '1 second' from sites s
     where s.id = d.site_id and d.lease_expires_at is not null and ($1::text[] is null or s.host = any ($1))`,
    [hosts ?? null],
  );
}

/** As if the five seconds had gone by after which the jobs of a replica that is dead are taken from it; a living one keeps its own. */
export async function endDeadLocks(stack: Stack): Promise<void> {
  for (const table of ["_private_jobs", "_private_job_queues"])
    await stack.pool.query(
      `update graphile_worker.${table} set locked_at = locked_at - interval '5 seconds' where locked_at is not null`,
    );
}

/** As if the 20 s had gone by for which a delivery stays with a replica that took it up and does not say so any more. */
export async function endClaims(stack: Stack): Promise<void> {
  await stack.pool.query("update webhook_deliveries set next_attempt_at = now() where state = 'received'");
}

/** While no Central runs: what those that were killed held is free for the next one. */
export async function freeWhatTheDeadHold(stack: Stack): Promise<void> {
  await endDeadLocks(stack);
  await endClaims(stack);
}

export async function siteState(stack: Stack, host: string): Promise<string | undefined> {
  const { rows } = await stack.pool.query<{ state: string }>("select state from sites where host = $1", [host]);
  return rows[0]?.state;
}

export async function deliveryState(stack: Stack, guid: string): Promise<string | undefined> {
  const { rows } = await stack.pool.query<{ state: string }>("select state from webhook_deliveries where guid = $1", [guid]);
  return rows[0]?.state;
}

export async function repairs(stack: Stack, kind: string): Promise<number> {
  const { rows } = await stack.pool.query<{ count: bigint }>("select count from repairs where kind = $1", [kind]);
  return Number(rows[0]?.count ?? 0n);
}
