import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noteKeyUse } from "#central/status/sql/note-key-use.ts";
import { createLogger } from "#common/logger.ts";
import { parseWorkerKeyFile, type SigningKey, type WorkerKeyFile } from "#common/rpc/keys.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { Outcome, WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { startOperatorServer, type OperatorServer } from "#test/central/operator/start-operator-server.ts";
import { runCatapult } from "./run-catapult.ts";

let server: OperatorServer;
let keyFile: string;
let keys: WorkerKeyFile;
let folder: string;
beforeAll(async () => {
  server = await startOperatorServer();
  const environment = { name: "base", domainSuffixes: ["base.example.org"], sitesUrl: "https://{host}" };
  await server.client.createEnvironment({ environment });
  const worker = { id: "w1", environment: "base", endpoint: "https://w.example.org", enabled: true };
  keyFile = (await server.client.createWorker({ worker })).keyFile;
  keys = parseWorkerKeyFile(keyFile);
  folder = await mkdtemp(path.join(tmpdir(), "catapult-sign-"));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A server that takes signed calls as the real daemons do, with one key. */
async function startSigned(o: { header: string; recipient: string; key: SigningKey }) {
  const seen = new Set<string>();
  return startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: "off",
    routes(router) {
      router.service(WorkerService, { build: () => ({}), cleanup: () => ({ outcome: Outcome.ACCEPTED }) });
      router.service(CentralService, { reportStatus: () => ({ cancel: true }) });
    },
    signatures: {
      header: o.header,
      recipient: o.recipient,
      findKey: async (kid) => (kid === o.key.kid ? { key: o.key.key, caller: "w1" } : undefined),
      nonces: {
        async take(kid, nonce) {
          if (seen.has(`${kid} ${nonce}`)) return false;
          seen.add(`${kid} ${nonce}`);
          return true;
        },
      },
    },
    log: createLogger({ name: "test", level: "silent" }),
  });
}

async function post(url: string, method: string, header: string, body: string): Promise<number> {
  const [name = "", value = ""] = header.trim().split(": ");
  const response = await fetch(`${url}${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", [name]: value },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}

const cleanup = "/catapult.v1.WorkerService/Cleanup";
const data = '{"site_id":"1","generation":"2","host":"www.example.org"}';

test("a call to a worker, signed with its key in the database, is let in once, for this worker and this body", async () => {
  const env = { DATABASE_URL: server.databaseUrl, CENTRAL_SECRET_KEY: server.secretKey.toString("base64url") };
  const signed = await runCatapult(["sign", cleanup, "--worker", "w1", "--data", data], { env });
  expect([signed.code, signed.err]).toEqual([0, ""]);
  expect(signed.out).toMatch(
    /^X-Central-Signature: v1;kid=w1-w[0-9a-f]{8};ts=\d+;nonce=[A-Za-z0-9_-]+;digest=[0-9a-f]{64};sig=[0-9a-f]{64}\n$/,
  );
  const worker = await startSigned({ header: "X-Central-Signature", recipient: "w1", key: keys.verify[0]! });
  const other = await startSigned({ header: "X-Central-Signature", recipient: "w2", key: keys.verify[0]! });
  expect(await post(other.url, cleanup, signed.out, data)).toBe(401);
  expect(await post(worker.url, cleanup, signed.out, data)).toBe(200);
  expect(await post(worker.url, cleanup, signed.out, data)).toBe(401);
  const second = await runCatapult(["sign", cleanup.slice(1), "--data", `@-`], { env: { ...env, WORKER_ID: "w1" }, input: data });
  expect(await post(worker.url, cleanup, second.out, data.replace("www", "xxx"))).toBe(401);
  const third = await runCatapult(["sign", cleanup, "--worker", "w1", "--data", data, "--json"], { env });
  const { name, value }: Record<string, string> = JSON.parse(third.out);
  expect(await post(worker.url, cleanup, `${name}: ${value}`, data)).toBe(200);
  await worker.stop(0);
  await other.stop(0);
});

test("a call to a worker whose keys were turned is signed with those that it is known to have, as Central signs its own", async () => {
  const env = { DATABASE_URL: server.databaseUrl, CENTRAL_SECRET_KEY: server.secretKey.toString("base64url") };
  const worker = { id: "turned", environment: "base", endpoint: "https://turned.example.org" };
  const old = parseWorkerKeyFile((await server.client.createWorker({ worker })).keyFile);
  const fresh = parseWorkerKeyFile((await server.client.rotateWorkerKey({ id: "turned" })).keyFile);
  const kidOfCall = async () => {
    const { out } = await runCatapult(["sign", cleanup, "--worker", "turned", "--data", data], { env });
    return /;kid=([^;]+);/.exec(out)?.[1];
  };
  expect(await kidOfCall()).toBe(old.verify[0]?.kid);
  await noteKeyUse(server.pool, fresh.sign.kid);
  expect(await kidOfCall()).toBe(fresh.verify[0]?.kid);
});

test("a call to Central is signed with the worker's key file, and the data may lie in a file", async () => {
  const method = "/catapult.v1.CentralService/ReportStatus";
  const report = '{"siteId":"1","generation":"2","siteRemoved":true}';
  const file = path.join(folder, "report.json");
  await writeFile(file, report);
  const signed = await runCatapult(["sign", method, "--worker", "w1", "--data", `@${file}`], { env: { WORKER_KEY: keyFile } });
  expect(signed.out).toMatch(/^X-Worker-Signature: v1;kid=w1-c/);
  const central = await startSigned({ header: "X-Worker-Signature", recipient: "central", key: keys.sign });
  expect(await post(central.url, method, signed.out, report)).toBe(200);
  await central.stop(0);
});

test.each([
  [
    "a method that takes no signature",
    ["/catapult.v1.OperatorService/ListWorkers", "--worker", "w1", "--data", "{}"],
    2,
    "takes a signature",
  ],
  ["data that is not JSON", [cleanup, "--worker", "w1", "--data", "{"], 2, "--data"],
  ["data with an unknown field", [cleanup, "--worker", "w1", "--data", '{"nope":1}'], 2, "nope"],
  ["a file that is not there", [cleanup, "--worker", "w1", "--data", "@/nowhere"], 2, "ENOENT"],
  ["an unknown worker", [cleanup, "--worker", "w9", "--data", data], 1, "no worker w9"],
  [
    "another worker's key file",
    ["/catapult.v1.CentralService/ReportStatus", "--worker", "w9", "--data", "{}"],
    2,
    "of the worker w1",
  ],
])("%s is said", async (_, words, exit, message) => {
  const env = {
    DATABASE_URL: server.databaseUrl,
    CENTRAL_SECRET_KEY: server.secretKey.toString("base64url"),
    WORKER_KEY: keyFile,
  };
  const { code, out, err } = await runCatapult(["sign", ...words], { env });
  expect([code, out]).toEqual([exit, ""]);
  expect(err).toContain(message);
});

test("a secret key that is none, or another than the database's, is said without showing it", async () => {
  const words = ["sign", cleanup, "--worker", "w1", "--data", data];
  const short = await runCatapult(words, { env: { DATABASE_URL: server.databaseUrl, CENTRAL_SECRET_KEY: "c2VjcmV0" } });
  expect([short.code, short.err]).toEqual([2, expect.stringContaining("CENTRAL_SECRET_KEY")]);
  expect(short.err).not.toContain("c2VjcmV0");
  const other = await runCatapult(words, {
    env: { DATABASE_URL: server.databaseUrl, CENTRAL_SECRET_KEY: Buffer.alloc(32).toString("base64url") },
  });
  expect([other.code, other.err]).toEqual([1, expect.stringContaining("CENTRAL_SECRET_KEY")]);
});
