import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";

/** How long GitHub's reads may lag behind its webhooks: each pause begins where the look before it ended. */
const pausesMs = [2_000, 5_000, 15_000];

/**
 * Has a site looked at again that GitHub showed otherwise than its webhook said, or otherwise than it did a moment before; `done` looks after
 * that one are done. 0 is the default branch.
 */
export async function addNextLook(
  client: ClientBase,
  subject: { configId: bigint; pullRequest: bigint },
  done: number,
): Promise<void> {
  const delayMs = pausesMs[done];
  if (delayMs !== undefined) await addJob(client, { task: "look", ...subject, attempt: done + 1, delayMs });
}
