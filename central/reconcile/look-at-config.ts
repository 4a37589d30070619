import type { Pool } from "pg";
import type { GitHub } from "#central/github/create-github.ts";
import { listOpenPullRequests } from "#central/github/list-open-pull-requests.ts";
import { settle } from "#central/intake/settle.ts";
import { selectConfig } from "#central/intake/sql/select-config.ts";
import { selectWantedPreviews } from "./sql/select-wanted-previews.ts";

/**
 * Compares a config's sites with GitHub and repairs what differs: its default branch, its open pull requests, and the previews whose pull
 * request is no longer open. `pullRequest` narrows it to one of them; 0 is the default branch.
 */
export async function lookAtConfig(
  o: { pool: Pool; github: GitHub },
  configId: bigint,
  pullRequest: bigint | undefined,
): Promise<void> {
  const config = await selectConfig(o.pool, configId);
  if (config === undefined) return;
  if (pullRequest !== undefined) {
    await settle(o, { config, pullRequest: pullRequest === 0n ? undefined : pullRequest }, async () => undefined);
    return;
  }
  await settle(o, { config, pullRequest: undefined }, async () => undefined);
  const current = await selectConfig(o.pool, configId);
  if (current === undefined) return;
  const open = current.enabled && !current.deleting ? await listOpenPullRequests(o.github, current) : [];
  const numbers = new Set([...open.map((seen) => seen.number), ...(await selectWantedPreviews(o.pool, configId))]);
  for (const number of numbers) await settle(o, { config: current, pullRequest: number }, async () => undefined);
}
