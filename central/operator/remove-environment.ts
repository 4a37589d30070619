import { Code, ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/pool.ts";
import { deleteEnvironment } from "./sql/delete-environment.ts";
import { lockEnvironment } from "./sql/lock-environment.ts";

/** Removes an environment that has no workers and no configs. */
export async function removeEnvironment(pool: pg.Pool, name: string): Promise<void> {
  await withTransaction(pool, async (client) => {
    const found = await lockEnvironment(client, name);
    if (found === undefined) throw new ConnectError(`name: there is no environment ${name}`, Code.NotFound);
    if (found.workers > 0n || found.configs > 0n) {
      const has = `${count(found.workers, "worker")} and ${count(found.configs, "deployment config")}`;
      throw new ConnectError(`the environment ${name} has ${has}: remove them first`, Code.FailedPrecondition);
    }
    await deleteEnvironment(client, found.id);
  });
}

function count(number: bigint, what: string): string {
  return `${number} ${what}${number === 1n ? "" : "s"}`;
}
