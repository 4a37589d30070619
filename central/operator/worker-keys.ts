import { randomBytes } from "node:crypto";
import type pg from "pg";
import { sealSecret } from "#central/database/seal.ts";
import { createSigningKey, type SigningKey } from "#common/rpc/keys.ts";
import { insertWorkerKey } from "./sql/insert-worker-key.ts";

export type WorkerKeys = { toWorker: SigningKey; toCentral: SigningKey };

/** New keys of a worker, one for each direction. */
export function createWorkerKeys(workerId: string): WorkerKeys {
  return { toWorker: createSigningKey(newKid(workerId, "w")), toCentral: createSigningKey(newKid(workerId, "c")) };
}

/** Stores both, sealed, in one transaction: that they were made together is how Central knows which belongs to which. */
export async function storeWorkerKeys(
  client: pg.ClientBase,
  secretKey: Buffer,
  workerId: string,
  { toWorker, toCentral }: WorkerKeys,
): Promise<void> {
  const keys = [
    { ...toWorker, direction: "to_worker" as const },
    { ...toCentral, direction: "to_central" as const },
  ];
  for (const { kid, key, direction } of keys) {
    await insertWorkerKey(client, { kid, workerId, direction, keySealed: sealSecret(secretKey, key) });
  }
}

/** At most 32 characters: a worker's id may have as many itself, so it is cut. The random part makes it unique. */
function newKid(worker: string, direction: "w" | "c"): string {
  return `${worker.slice(0, 21)}-${direction}${randomBytes(4).toString("hex")}`;
}
