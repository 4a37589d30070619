import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { createGitHub, type GitHub } from "#central/github/create-github.ts";
import { createSharedSilence } from "#central/github/shared-silence.ts";
import { SilencedError } from "#central/github/silence.ts";
import { selectSilence } from "#central/github/sql/select-silence.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";
import { eventually } from "#test/support/eventually.ts";
import { log } from "../support/test-log.ts";

let database: TestDatabase;
let pool: Pool;
let apiUrl: string;
let refuse = false;
const calls: string[] = [];
const server = createServer((request, response) => {
  calls.push(request.url ?? "");
  const headers = { "content-type": "application/json" };
  if (!request.url?.includes("access_tokens") && refuse) {
    response.writeHead(403, { ...headers, "retry-after": "30" }).end('{"message":"You have exceeded a secondary rate limit."}');
  } else {
    const token = { token: "ghs_none", expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: {} };
    response.writeHead(200, headers).end(JSON.stringify(token));
  }
});
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`the stand-in listens at ${address}, not at a port`);
  apiUrl = `http://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  server.close();
  await pool.end();
  await database.drop();
});

const replica = (): GitHub => createGitHub({ appId: "7", privateKey, apiUrl }, pool, log);
const silenced = { name: SilencedError.name };
const asked = (path: string): number => calls.filter((url) => url === path).length;

test("once GitHub asked one replica to be left alone, no other calls it for that installation, nor does one that starts then", async () => {
  const [first, second] = [replica(), replica()];
  const ofFirst = await first.installation(5n);
  const ofSecond = await second.installation(5n);
  await ofSecond.request("GET /before");
  refuse = true;
  await expect(ofFirst.request("GET /limited")).rejects.toMatchObject({ status: 403 });
  refuse = false;
  // What a replica has read counts for a second.
  await eventually(async () => expect(ofSecond.request("GET /by-the-second")).rejects.toMatchObject(silenced));
  const sent = asked("/by-the-second");
  await expect(ofSecond.request("GET /by-the-second")).rejects.toThrow(/left alone for \d+ s more/);
  await expect((await replica().installation(5n)).request("GET /by-a-third")).rejects.toMatchObject(silenced);
  expect([asked("/by-the-second"), asked("/by-a-third")]).toEqual([sent, 0]);
  // Another installation, and the App itself, have budgets of their own.
  await (await second.installation(6n)).request("GET /another");
  await second.app.request("GET /app");
  expect([asked("/another"), asked("/app")]).toEqual([1, 1]);
});

test("a shorter silence does not shorten the one that another replica recorded", async () => {
  const one = createSharedSilence({ pool, client: "7/longest", log });
  const other = createSharedSilence({ pool, client: "7/longest", log });
  await one.keep(60_000);
  await other.keep(1_000);
  expect(await selectSilence(pool, "7/longest")).toBeGreaterThan(50_000);
  await one.keep(0);
  await expect(other.check()).rejects.toThrow(SilencedError);
  await pool.query("update github_silence set silent_until = now() where client = '7/longest'");
  await createSharedSilence({ pool, client: "7/longest", log }).check();
});

test("a database that does not answer stops no call, and what this process was told counts all the same", async () => {
  const gone = createPool(database.url, log);
  await gone.end();
  const silence = createSharedSilence({ pool: gone, client: "7/gone", log });
  await silence.check();
  await silence.keep(60_000);
  await expect(silence.check()).rejects.toThrow(SilencedError);
});
