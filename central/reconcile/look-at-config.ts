import type { ClientBase, Pool } from "pg";
import type { SeenPullRequest } from "#central/decision/decide.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { listOpenPullRequests } from "#central/github/list-open-pull-requests.ts";
import { addNextLook } from "#central/intake/add-next-look.ts";
import { settle, type Settled } from "#central/intake/settle.ts";
import { type Config, selectConfig } from "#central/intake/sql/select-config.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { countRepair } from "./count-repair.ts";
import { differs } from "./differs.ts";
import { recordLook } from "./sql/record-look.ts";
import { selectCommentedSites } from "./sql/select-commented-sites.ts";
import { selectLookedAt } from "./sql/select-looked-at.ts";
import { selectPreviews } from "./sql/select-previews.ts";

type Context = { pool: Pool; github: GitHub };

/**
 * Compares a config's sites with GitHub and repairs what differs, both ways: its default branch, its open pull requests, the previews whose
 * pull request is no longer open, and their comments. `pullRequest` narrows it to one of them; 0 is the default branch. `attempt`: it is
 * one of some looks at what GitHub showed otherwise than its webhook said, and the next one follows.
 */
export async function lookAtConfig(o: Context, configId: bigint, pullRequest: bigint | undefined, attempt = 0): Promise<void> {
  const config = await selectConfig(o.pool, configId);
  if (config === undefined) return;
  if (pullRequest !== undefined) {
    await settle(o, { config, pullRequest: pullRequest === 0n ? undefined : pullRequest }, async (client, settled) => {
      if (settled.replacesRecent) await addNextLook(client, { configId, pullRequest }, 0);
      else if (attempt > 0) await addNextLook(client, { configId, pullRequest }, attempt);
    });
    return;
  }
  const counted = await selectLookedAt(o.pool, configId);
  const settleOne = async (now: Config, number: bigint | undefined) =>
    settle(o, { config: now, pullRequest: number }, async (client, settled) => {
      if (counted) await countChange(client, settled);
      if (settled.replacesRecent) await addNextLook(client, { configId, pullRequest: number ?? 0n }, 0);
    });
  await settleOne(config, undefined);
  // Renamed or moved, it is found again by the look at its branch.
  const current = await selectConfig(o.pool, configId);
  if (current === undefined) return;
  for (const number of await findDifferent(o, current)) await settleOne(current, number);
  await bringCommentsUpToDate(o, configId);
  await recordLook(o.pool, configId);
}

async function countChange(client: ClientBase, settled: Settled): Promise<void> {
  if (settled.result !== "changed") return;
  await countRepair(client, settled.wanted === "remove" ? "preview_left" : "commit_missed");
}

/** The pull requests to look at one by one: a list may lag, so nothing is changed by it alone. */
async function findDifferent(o: Context, config: Config): Promise<bigint[]> {
  const open = await listOpen(o, config);
  const previews = await selectPreviews(o.pool, config.id);
  const listed = new Set(open.map((seen) => seen.number));
  return [
    ...open.filter((seen) => differs(config, seen, previews.get(seen.number))).map((seen) => seen.number),
    ...[...previews.keys()].filter((number) => !listed.has(number)),
  ];
}

/** A repository that is gone has none: each of its previews is then asked for by itself before it is removed. */
async function listOpen(o: Context, config: Config): Promise<SeenPullRequest[]> {
  try {
    return await listOpenPullRequests(o.github, config);
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return [];
    throw error;
  }
}

/** A comment that is what the tables say costs its job one query; one that was given up by accident is taken up again here. */
async function bringCommentsUpToDate(o: Context, configId: bigint): Promise<void> {
  const sites = await selectCommentedSites(o.pool, configId);
  if (sites.length === 0) return;
  await withTransaction(o.pool, async (client) => {
    for (const siteId of sites) await addJob(client, { task: "comment", siteId });
  });
}
