import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createReleasers, type Releasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { createSigningKey, formatWorkerKeyFile, type SigningKey } from "#common/rpc/keys.ts";
import { centralSignatureHeader, createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { SiteKind, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { Outcome, WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { startCaddyWith, startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { readWorkerConfig, type WorkerConfig } from "#worker/config.ts";
import { startWorker } from "#worker/main.ts";

const log = createLogger({ name: "test", level: "silent" });
const centralKey = createSigningKey("central-1");
let caddy: TestCaddy;
let folder: string;
let config: WorkerConfig;
let releasers: Releasers;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-main-"));
  caddy = await startTestCaddy();
  config = readWorkerConfig({
    WORKER_KEY: formatWorkerKeyFile({ worker: "w1", sign: createSigningKey("w1-1"), verify: [centralKey] }),
    CENTRAL_URL: `http://127.0.0.1:${await freePort()}`,
    WORKER_LISTEN: "127.0.0.1:0",
    TLS: "off",
    CADDY_ADMIN: caddy.admin,
    SITES_LISTEN: `127.0.0.1:${await freePort()}`,
    SITES_DIR: join(folder, "www"),
    STATE_DIR: join(folder, "state"),
    PODMAN_SOCKET: join(folder, "no-podman.sock"),
  });
  releasers = createReleasers(log);
  ({ url } = await startWorker(config, log, releasers));
});
afterAll(async () => {
  await releasers.runAll();
  await caddy.stop();
  await rm(folder, { recursive: true, force: true });
});

function callAs(key: SigningKey, recipient = "w1"): ReturnType<typeof createServiceClient<typeof WorkerService>> {
  const signing = createSigningInterceptor({ header: centralSignatureHeader, recipient, key: () => key });
  return createServiceClient(WorkerService, { url, interceptors: [signing], retries: 0 });
}

const build = {
  siteId: 1n,
  generation: 1n,
  deploymentId: 1n,
  host: "a.test",
  kind: SiteKind.PREVIEW,
  url: "https://a.test",
  repositoryId: 1n,
  repository: "a/b",
  commit: "a".repeat(40),
  trust: Trust.REPOSITORY,
};

async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );
}

test("A worker without Podman lives but is not ready, says what is missing, and refuses builds", async () => {
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  const text = await ready.text();
  expect(text).toContain("podman: ");
  expect(text).not.toContain("caddy: ");
  expect(await codeOf(callAs(centralKey).build(build))).toBe(Code.FailedPrecondition);
});

test("A removal needs no Podman", async () => {
  expect(await callAs(centralKey).cleanup({ siteId: 9n, generation: 1n, host: "a.test" })).toMatchObject({
    outcome: Outcome.ACCEPTED,
  });
});

test("Calls that are not signed by Central for this worker are refused", async () => {
  expect(await codeOf(callAs(createSigningKey("central-1")).cleanup({ siteId: 9n, generation: 2n, host: "a.test" }))).toBe(
    Code.Unauthenticated,
  );
  expect(await codeOf(callAs(centralKey, "w2").cleanup({ siteId: 9n, generation: 2n, host: "a.test" }))).toBe(
    Code.Unauthenticated,
  );
  expect(await codeOf(createServiceClient(WorkerService, { url, retries: 0 }).build(build))).toBe(Code.Unauthenticated);
});

test("A second worker on the same state folder does not start", async () => {
  const second = createReleasers(log);
  await expect(startWorker(config, log, second)).rejects.toThrow("another worker runs on STATE_DIR");
  await second.runAll();
});

test("O6 a worker whose Caddy would take a browser's call is not ready, and says so until Caddy refuses such calls", async () => {
  const open = await startCaddyWith(() => ({}));
  const own = createReleasers(log);
  try {
    const lax = {
      ...config,
      caddyAdmin: `http://127.0.0.1:${open.port}`,
      sitesDir: join(open.folder, "www"),
      stateDir: join(open.folder, "state"),
      sitesListen: [`127.0.0.1:${await freePort()}`],
    };
    const worker = await startWorker(lax, log, own);
    const read = async (): Promise<string> => (await fetch(`${worker.url}/readyz`)).text();
    expect(await read()).toContain("Caddy's admin API: it answers a call");
    await createCaddyAdmin(lax.caddyAdmin).write("POST", "/config/admin/enforce_origin", true);
    expect(await read()).not.toContain("Caddy's admin API");
  } finally {
    await own.runAll();
    await open.stop();
  }
});
