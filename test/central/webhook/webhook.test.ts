import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import type { Pool, PoolClient } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPool } from "#central/database/pool.ts";
import { createHttpHandler } from "#central/webhook/create-http-handler.ts";
import { createLogger } from "#common/logger.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { createMigratedDatabase, type TestDatabase } from "#test/support/database.ts";

const log = createLogger({ name: "test", level: "silent" });
const secrets = ["the old secret", "the new secret"];
let database: TestDatabase;
let pool: Pool;
let server: Awaited<ReturnType<typeof startRpcServer>>;
let port: number;

beforeAll(async () => {
  database = await createMigratedDatabase();
  pool = createPool(database.url, log);
  const handle = createHttpHandler({ pool, secrets, onStored: () => undefined, log });
  const listen = { host: "127.0.0.1", port: 0 };
  server = await startRpcServer({ listen, tls: "off", routes: () => undefined, http: handle, log });
  ({ port } = server);
});
afterAll(async () => {
  await server.stop(0);
  await pool.end();
  await database.drop();
});

const body = Buffer.from('{"zen":"x"}');
const sign = (content: Buffer, secret = secrets[1] ?? ""): string =>
  `sha256=${createHmac("sha256", secret).update(content).digest("hex")}`;

type Headers = Record<string, string | string[] | undefined>;

function headersFor(content: Buffer, changes: Headers = {}): Headers {
  const headers: Headers = {
    "content-type": "application/json",
    "x-github-event": "pull_request",
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": sign(content),
    ...changes,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

async function post(content: Buffer, changes: Headers = {}, method = "POST"): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        port,
        host: "127.0.0.1",
        path: "/webhook/github",
        method,
        headers: { ...headersFor(content, changes), "content-length": content.length },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on("error", reject);
    request.end(content);
  });
}

async function countRows(): Promise<bigint> {
  const { rows } = await pool.query<{ n: bigint }>("select count(*) as n from webhook_deliveries");
  return rows[0]?.n ?? 0n;
}

/** What a delivery was answered, and how many rows it left behind. */
async function attempt(content: Buffer, changes: Headers = {}): Promise<{ status: number; rows: bigint }> {
  const before = await countRows();
  const status = await post(content, changes);
  return { status, rows: (await countRows()) - before };
}

const refused = (status: number) => ({ status, rows: 0n });

async function storedBody(guid: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ body: string }>("select body from webhook_deliveries where guid = $1", [guid]);
  return rows[0]?.body;
}

test("GitHub's published signature is accepted for its secret and its body, and for no other", async () => {
  const { verifySignature } = await import("#central/webhook/signature.ts");
  const published = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  expect(verifySignature(["It's a Secret to Everybody"], Buffer.from("Hello, World!"), published)).toBe(true);
  expect(verifySignature(["It's a Secret to Everybody"], Buffer.from("Hello, World?"), published)).toBe(false);
  expect(verifySignature(["another"], Buffer.from("Hello, World!"), published)).toBe(false);
});

test("a signed delivery is committed when 202 is answered, byte for byte, under the old secret and the new", async () => {
  for (const secret of secrets) {
    const guid = randomUUID();
    const content = Buffer.from('{ "text":\t"ümläut \\u0000 \u{1f600}" }');
    expect(await post(content, { "x-github-delivery": guid, "x-hub-signature-256": sign(content, secret) })).toBe(202);
    expect(await storedBody(guid)).toBe(content.toString());
  }
});

describe("bad input", () => {
  test("input 01 no signature is 401", async () =>
    expect(await attempt(body, { "x-hub-signature-256": undefined })).toEqual(refused(401)));
  test("input 02 a SHA-1 signature alone is 401", async () => {
    const sha1 = `sha1=${createHmac("sha1", secrets[1] ?? "")
      .update(body)
      .digest("hex")}`;
    expect(await attempt(body, { "x-hub-signature-256": undefined, "x-hub-signature": sha1 })).toEqual(refused(401));
    expect(await attempt(body, { "x-hub-signature-256": sha1 })).toEqual(refused(401));
  });
  test("input 03 an empty sha256= is 401", async () =>
    expect(await attempt(body, { "x-hub-signature-256": "sha256=" })).toEqual(refused(401)));
  test("input 04 63 digits, 65 digits, upper case and other letters are 401", async () => {
    const right = sign(body);
    for (const wrong of [right.slice(0, -1), `${right}0`, right.toUpperCase(), `${right.slice(0, -1)}g`]) {
      expect(await attempt(body, { "x-hub-signature-256": wrong })).toEqual(refused(401));
    }
  });
  test("input 05 another body's signature is 401", async () =>
    expect(await attempt(body, { "x-hub-signature-256": sign(Buffer.from("{}")) })).toEqual(refused(401)));
  test("input 06 one bit flipped in the body is 401", async () => {
    const flipped = Buffer.from(body);
    flipped[3] = (flipped[3] ?? 0) ^ 1;
    expect(await attempt(flipped, { "x-hub-signature-256": sign(body) })).toEqual(refused(401));
  });
  test("input 07 two signature headers are 401, also when both are right", async () =>
    expect(await attempt(body, { "x-hub-signature-256": [sign(body), sign(body)] })).toEqual(refused(401)));
  test("input 08 a form and a compressed body are 415", async () => {
    const form = Buffer.from(`payload=${encodeURIComponent(body.toString())}`);
    expect(
      await attempt(form, { "content-type": "application/x-www-form-urlencoded", "x-hub-signature-256": sign(form) }),
    ).toEqual(refused(415));
    const zipped = gzipSync(body);
    expect(await attempt(zipped, { "content-encoding": "gzip", "x-hub-signature-256": sign(zipped) })).toEqual(refused(415));
  });
  test("input 09 a declared length over 25 MB is 413 at once, and endless chunks are 413 and cut", async () => {
    const before = await countRows();
    const declared = await exchange([`content-length: ${26 * 1024 * 1024 + 1}`], Buffer.alloc(0), 1);
    expect(declared.answer).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = Buffer.alloc(1024 * 1024, 0x20);
    const framed = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]);
    const endless = await exchange(["transfer-encoding: chunked"], framed, 200);
    expect(endless.answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(endless.sentBytes).toBeLessThan(60 * 1024 * 1024);
    expect(await countRows()).toBe(before);
  });
  test("input 10 JSON 10,000 deep, with duplicate keys or __proto__ is stored: it is parsed after the answer", async () => {
    for (const text of [`${"[".repeat(10_000)}${"]".repeat(10_000)}`, '{"a":1,"a":2}', '{"__proto__":{"id":1}}']) {
      expect(await post(Buffer.from(text))).toBe(202);
    }
  });
  test("input 11 ids over 2^53 are stored as they are", async () => {
    const guid = randomUUID();
    const content = Buffer.from('{"repository":{"id":9007199254740993}}');
    expect(await post(content, { "x-github-delivery": guid })).toBe(202);
    expect(await storedBody(guid)).toContain("9007199254740993");
  });
  test("input 12 invalid UTF-8 and NUL are 400 and fail nobody else's delivery", async () => {
    const bad = [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), Buffer.from("{\0}"), Buffer.from([0xed, 0xa0, 0x80])];
    const answers = await Promise.all([...bad, body, ...bad, body].map(async (content) => post(content)));
    expect(answers).toEqual([400, 400, 400, 202, 400, 400, 400, 202]);
  });
  test("input 13 an unknown event, an unknown action and ping are 202", async () => {
    for (const event of ["ping", "no_such_event", "pull_request"]) {
      expect(await post(Buffer.from('{"action":"no_such_action"}'), { "x-github-event": event })).toBe(202);
    }
    expect(await attempt(body, { "x-github-event": undefined })).toEqual(refused(400));
    expect(await attempt(body, { "x-github-event": "pull request" })).toEqual(refused(400));
  });
  test("input 14 a GUID that is missing, long or no GUID is 400, and one used again does not replace what was stored", async () => {
    for (const guid of [undefined, "x".repeat(10_000), "not-a-guid", `${randomUUID()}%00`]) {
      expect(await attempt(body, { "x-github-delivery": guid })).toEqual(refused(400));
    }
    const guid = randomUUID();
    expect(await post(body, { "x-github-delivery": guid })).toBe(202);
    expect(await post(Buffer.from("{}"), { "x-github-delivery": guid })).toBe(202);
    expect(await storedBody(guid)).toBe(body.toString());
  });
});

test("a database that takes no writes is not ready", async () => {
  const canStore = async (client: PoolClient) => {
    const { canStoreDeliveries } = await import("#central/webhook/sql/can-store-deliveries.ts");
    return canStoreDeliveries(client);
  };
  const client = await pool.connect();
  try {
    expect(await canStore(client)).toBe(true);
    await client.query("begin read only");
    expect(await canStore(client)).toBe(false);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("many at once are all stored, a GUID sent twice at once only once", async () => {
  const before = await countRows();
  const guid = randomUUID();
  const twice = [guid, guid, guid];
  const answers = await Promise.all(
    [...twice, ...Array.from({ length: 300 }, () => randomUUID())].map(async (one) => post(body, { "x-github-delivery": one })),
  );
  expect(new Set(answers)).toEqual(new Set([202]));
  expect(await countRows()).toBe(before + 301n);
});

test("a redelivered GUID is taken up again if its row was not processed, and left alone if it was", async () => {
  for (const [state, expected] of [
    ["dead", "received"],
    ["ignored", "received"],
    ["rejected", "received"],
    ["processed", "processed"],
    ["superseded", "superseded"],
  ]) {
    const guid = randomUUID();
    await post(body, { "x-github-delivery": guid });
    await pool.query("update webhook_deliveries set state = $2, finished_at = now() where guid = $1", [guid, state]);
    expect(await post(body, { "x-github-delivery": guid })).toBe(202);
    const { rows } = await pool.query<{ state: string }>("select state from webhook_deliveries where guid = $1", [guid]);
    expect(rows[0]?.state).toBe(expected);
  }
});

test("what cannot be committed is 503, and never 2xx", async () => {
  await pool.query("alter table webhook_deliveries rename to away");
  try {
    expect(await post(body)).toBe(503);
    expect(await get("/readyz")).toBe(503);
  } finally {
    await pool.query("alter table away rename to webhook_deliveries");
  }
  expect(await get("/readyz")).toBe(200);
});

test("the webhook takes POST alone, and what is not its own is left to others", async () => {
  expect(await post(Buffer.alloc(0), {}, "PUT")).toBe(405);
  expect(await get("/healthz")).toBe(200);
  expect(await get("/webhook/githubs")).toBe(404);
});

async function get(path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

/** Sends raw bytes, the chunk up to `times` times, until the server cuts the connection. */
async function exchange(lines: string[], chunk: Buffer, times: number): Promise<{ answer: string; sentBytes: number }> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  let sentBytes = 0;
  const closed = new AbortController();
  socket.on("data", (data) => (answer += data.toString()));
  socket.on("error", () => undefined);
  const end = new Promise<void>((resolve) => {
    socket.on("close", () => {
      closed.abort();
      resolve();
    });
  });
  const headers = Object.entries(headersFor(body)).map(([name, value]) => `${name}: ${String(value)}`);
  socket.write(["POST /webhook/github HTTP/1.1", "host: x", ...headers, ...lines, "", ""].join("\r\n"));
  for (let n = 0; n < times && !closed.signal.aborted; n += 1) {
    sentBytes += chunk.length;
    if (chunk.length > 0 && !socket.write(chunk)) await Promise.race([once(socket, "drain").catch(() => undefined), end]);
  }
  await end;
  return { answer, sentBytes };
}
