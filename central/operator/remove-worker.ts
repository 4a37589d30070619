import { Code, ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/pool.ts";
import { deleteWorker } from "./sql/delete-worker.ts";
import { lockWorker } from "./sql/lock-worker.ts";

/** Removes a worker none of whose deployments runs; its keys stop working at once. */
export async function removeWorker(pool: pg.Pool, id: string): Promise<void> {
  await withTransaction(pool, async (client) => {
    const found = await lockWorker(client, id);
    if (found === undefined) throw new ConnectError(`id: there is no worker ${id}`, Code.NotFound);
    if (found.running > 0n) {
      const message = `the worker ${id} has ${found.running} running deployment${found.running === 1n ? "" : "s"}: wait for the end`;
      throw new ConnectError(message, Code.FailedPrecondition);
    }
    await deleteWorker(client, id);
  });
}
