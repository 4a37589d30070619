import type { Client } from "@connectrpc/connect";
import type { Pool } from "pg";
import { createServiceClient } from "#common/rpc/client.ts";
import { centralSignatureHeader, createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { openSecret } from "#central/database/seal.ts";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { selectSigningKey } from "./sql/select-signing-key.ts";

type WorkerClient = Client<typeof WorkerService>;

export type WorkerClients = { get(worker: { id: string; endpoint: string }): WorkerClient; close(): void };

const timeoutMs = 10_000;

/** One kept-alive client per worker. The key is read for each call, so that a rotation or a removal counts at once. */
export function createWorkerClients(o: { pool: Pool; secretKey: Buffer; ca: string | undefined }): WorkerClients {
  const clients = new Map<string, WorkerClient & { close(): void }>();
  return {
    get(worker) {
      const name = `${worker.id} ${worker.endpoint}`;
      let client = clients.get(name);
      if (client === undefined) {
        client = createServiceClient(WorkerService, {
          url: worker.endpoint,
          ...(o.ca === undefined ? {} : { ca: o.ca }),
          timeoutMs,
          // The job tries again, with its own delays and a word to the pull request.
          retries: 0,
          interceptors: [
            createSigningInterceptor({
              header: centralSignatureHeader,
              recipient: worker.id,
              key: async () => readKey(o.pool, o.secretKey, worker.id),
            }),
          ],
        });
        clients.set(name, client);
      }
      return client;
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

async function readKey(pool: Pool, secretKey: Buffer, workerId: string): Promise<{ kid: string; key: Buffer }> {
  const key = await selectSigningKey(pool, workerId);
  if (key === undefined) throw new Error(`signing a call to worker ${workerId}: it has no active key`);
  return { kid: key.kid, key: openSecret(secretKey, key.sealed) };
}
