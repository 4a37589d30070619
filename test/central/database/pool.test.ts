import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { createTestDatabase, type TestDatabase } from "#test/support/database.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => database.drop());

test("a query that a dead machine never answers fails, its connection is not used again, and new ones work", async () => {
  const to = new URL(database.url);
  const proxy = await startTcpProxy({ target: { host: to.hostname, port: Number(to.port) } });
  to.hostname = "127.0.0.1";
  to.port = String(proxy.port);
  const pool = createPool(to.href, log, { answerMs: 500 });
  try {
    const pid = async (): Promise<number> => (await pool.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]!.pid;
    const first = await pid();
    proxy.set({ blackhole: true });
    await expect(pid()).rejects.toThrow("Query read timeout");
    proxy.set({});
    const second = await pid();
    expect(second).not.toBe(first);

    const inTransaction = withTransaction(pool, async (client) => {
      proxy.set({ blackhole: true });
      await client.query("select 1");
    });
    await expect(inTransaction).rejects.toThrow("Query read timeout");
    expect(pool.totalCount).toBe(0);
    proxy.set({});
    expect(await pid()).not.toBe(second);
  } finally {
    await pool.end();
    await proxy.stop();
  }
});
