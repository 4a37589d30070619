import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReleasers, type Releasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { createSigningKey, formatWorkerKeyFile } from "#common/rpc/keys.ts";
import { centralSignatureHeader, createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { ReportStatusResponseSchema, type ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { SiteKind, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";
import { createResultReporter } from "#worker/accept/create-result-reporter.ts";
import { removeSite } from "#worker/accept/remove-site.ts";
import { readWorkerConfig } from "#worker/config.ts";
import { startWorker } from "#worker/main.ts";
import { switchLiveLink } from "#worker/publish/live-link.ts";

const log = createLogger({ name: "test", level: "silent" });

describe("a worker that Central, or who has its key, asks for", () => {
  const key = createSigningKey("central-1");
  let caddy: TestCaddy;
  let folder: string;
  let releasers: Releasers;
  let client: ReturnType<typeof createServiceClient<typeof WorkerService>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "catapult-bad-"));
    caddy = await startTestCaddy();
    const config = readWorkerConfig({
      WORKER_KEY: formatWorkerKeyFile({ worker: "w1", sign: createSigningKey("w1-1"), verify: [key] }),
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
    const { url } = await startWorker(config, log, releasers);
    const signing = createSigningInterceptor({ header: centralSignatureHeader, recipient: "w1", key: () => key });
    client = createServiceClient(WorkerService, { url, interceptors: [signing], retries: 0 });
  });
  afterAll(async () => {
    client.close();
    await releasers.runAll();
    await caddy.stop();
    await rm(folder, { recursive: true, force: true });
  });

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
  const refused = async (call: Promise<unknown>): Promise<Code | undefined> =>
    call.then(
      () => undefined,
      (error: unknown) => ConnectError.from(error).code,
    );

  const hosts: [string, string][] = [
    ["input 28", "../../x"],
    ["input 29", "A.test"],
    ["input 30", "a.test."],
    ["input 31", "*.test"],
    ["input 32", `${"a".repeat(64)}.test`],
    ["input 32", `${"a.".repeat(125)}abcd`],
    ["input 34", "localhost"],
    ["input 34", "[::1]"],
    ["input 35", "a.test:80"],
    ["input 35", "a.test/x"],
    ["input 36", "{http.request.host}"],
    ["input 36", "{env.HOME}.test"],
    ["input 52", ".."],
    ["input 52", "a\n.test"],
    ["input 52", ""],
  ];
  test.each(hosts)("%s the host %j refuses it, in a Build and in a Cleanup, and keeps nothing of it", async (_, host) => {
    expect(await refused(client.build({ ...build, host }))).toBe(Code.InvalidArgument);
    expect(await refused(client.cleanup({ siteId: 1n, generation: 1n, host }))).toBe(Code.InvalidArgument);
    expect(await readdir(join(folder, "state/sites"))).toEqual([]);
  });

  test.each<[string, object]>([
    ["input 27 a SHA of 39", { commit: "a".repeat(39) }],
    ["input 27 a SHA of 41", { commit: "a".repeat(41) }],
    ["input 27 HEAD", { commit: "HEAD" }],
    ["input 25 a repository that climbs", { repository: "../x" }],
    ["input 25 a repository with two dots", { repository: "a/b..c" }],
    ["input 28 a repository that is a URL", { repository: "https://evil.test/a/b" }],
    ["input 51 a generation below 1", { generation: -1n }],
    ["a release that is a path", { commit: "", release: "../1-00000000" }],
    ["a commit and a release at once", { release: "1-00000000" }],
    ["no word on whose code it is", { trust: Trust.UNSPECIFIED }],
  ])("%s refuses it", async (_, changes) => {
    expect(await refused(client.build({ ...build, ...changes }))).toBe(Code.InvalidArgument);
    expect(await readdir(join(folder, "state/sites"))).toEqual([]);
  });
});

test("O8 a preview is reported as removed only once its route is gone, and its link before its name can be another's", async () => {
  const folder = await mkdtemp(join(tmpdir(), "catapult-dangling-"));
  const store = await openSiteStore(join(folder, "state"));
  const sitesDir = join(folder, "www");
  await store.withLock(1n, () =>
    store.put({
      siteId: 1n,
      host: "a.test",
      kind: "preview",
      generation: 2n,
      live: { release: "1-00000000", generation: 1n },
      removal: "pending",
      newestMtime: 0,
      changedAt: 0,
    }),
  );
  await switchLiveLink(sitesDir, "a.test", 1n, "1-00000000");
  const reports: ReportStatusRequest[] = [];
  const links: string[][] = [];
  let caddyWorks = false;
  let tries = 0;
  const ending = new AbortController();
  const dependencies = {
    store,
    sitesDir,
    log,
    router: {
      async reconcile() {
        links.push(await readdir(join(sitesDir, "live")));
        caddyWorks = ++tries > 2;
        if (!caddyWorks) throw new Error("no Caddy");
      },
    },
  };
  const told: Promise<void>[] = [];
  const results = createResultReporter({
    store,
    background: (work) => void told.push(work),
    async send(report) {
      reports.push(report);
      expect([caddyWorks, await readdir(join(sitesDir, "live"))]).toEqual([true, []]);
      return create(ReportStatusResponseSchema, {});
    },
  });
  const request = { $typeName: "catapult.v1.CleanupRequest" as const, siteId: 1n, generation: 2n, host: "a.test" };
  await removeSite({ ...dependencies, results }, request, ending.signal);
  await expect.poll(() => reports.length).toBe(1);
  // Without a route changed nothing else is: the site is whole until then.
  expect(links).toEqual([["a.test"], ["a.test"], ["a.test"]]);
  expect(reports[0]).toMatchObject({ siteId: 1n, siteRemoved: true });
  await Promise.all(told);
  await rm(folder, { recursive: true });
});
