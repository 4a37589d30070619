import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import Dockerode from "dockerode";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { ReportStatusResponseSchema, type ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState, SiteKind, SiteType, Stage, Trust } from "#gen/catapult/v1/deployment_pb.js";
import {
  BuildRequestSchema,
  CleanupRequestSchema,
  Outcome,
  type BuildRequest,
  type CleanupRequest,
} from "#gen/catapult/v1/worker_service_pb.js";
import { getSite, startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { startGitServer, type GitServer } from "#test/support/git-server.ts";
import { packFiles } from "#test/support/tar.ts";
import { createAcceptor, type Acceptor } from "#worker/accept/create-acceptor.ts";
import { createResultReporter, type ResultReporter } from "#worker/accept/create-result-reporter.ts";
import { listSites } from "#worker/accept/list-sites.ts";
import { removeSite } from "#worker/accept/remove-site.ts";
import { runDeployment } from "#worker/accept/run-deployment.ts";
import { openSiteStore, type SiteStore } from "#worker/accept/site-store.ts";
import { evenBudgets } from "#test/support/cache-budgets.ts";
import { openCacheStore } from "#worker/build/cache-store.ts";
import { cloneCommit } from "#worker/clone/clone-commit.ts";
import { createSiteRouter } from "#worker/route/create-site-router.ts";
import { listHosts } from "#worker/route/make-live.ts";
import type { SandboxRequest, SandboxResult } from "#worker/sandbox/sandbox-types.ts";

const log = createLogger({ name: "test", level: "silent" });
let git: GitServer;
let caddy: TestCaddy;
let folder: string;
let port: number;
let worker: Awaited<ReturnType<typeof startTestWorker>>;
let centralAnswers: boolean;
let sandbox: (request: SandboxRequest) => Promise<SandboxResult>;

beforeAll(async () => {
  git = await startGitServer();
  caddy = await startTestCaddy();
});
afterAll(async () => {
  await caddy.stop();
  await git.stop();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-worker-"));
  port = await freePort();
  centralAnswers = true;
  sandbox = () => Promise.reject(new Error("no sandbox in this test"));
  worker = await startTestWorker();
});
afterEach(async () => {
  await worker.acceptor.stop();
  await worker.settled();
  await rm(folder, { recursive: true, force: true });
});

/** All of a worker but the RPCs and Podman: real git, real files, real Caddy; what is reported is kept. */
async function startTestWorker(): Promise<{
  acceptor: Acceptor;
  store: SiteStore;
  reports: ReportStatusRequest[];
  settled(): Promise<unknown>;
  orders: Set<bigint>;
  results: ResultReporter;
}> {
  const reports: ReportStatusRequest[] = [];
  const orders = new Set<bigint>();
  const sitesDir = join(folder, "www");
  const store = await openSiteStore(join(folder, "state"));
  const caches = await openCacheStore({ folder: join(folder, "caches"), maxBytes: 1e6, budgets: evenBudgets(2e6) });
  const behind: Promise<unknown>[] = [];
  const errors: unknown[] = [];
  const dependencies = {
    store,
    sitesDir,
    log,
    router: createSiteRouter({
      caddyAdmin: caddy.admin,
      listen: [`127.0.0.1:${port}`],
      liveDir: join(sitesDir, "live"),
      hosts: () => listHosts(store.all()),
    }),
    background: (work: Promise<void>) => void behind.push(work),
    async send(request: ReportStatusRequest) {
      if (!centralAnswers) throw new ConnectError("no Central", Code.Unavailable);
      reports.push(request);
      const last = request.firstLogLine + BigInt(request.logLines.length) - 1n;
      return create(ReportStatusResponseSchema, {
        acknowledgedLogLine: last > 0n ? last : 0n,
        cancel: orders.has(request.deploymentId),
      });
    },
  };
  const results = createResultReporter(dependencies);
  const acceptor = createAcceptor({
    store,
    slots: 1,
    onError: (error) => errors.push(error),
    work: {
      endToken: () => undefined,
      reportAgain: (finished) => results.report(finished),
      remove: (request, controller) => removeSite({ ...dependencies, results }, request, controller.signal),
      deploy: (request, controller) =>
        runDeployment(
          {
            ...dependencies,
            outputLimits: { maxBytes: 1e7, maxFiles: 1_000 },
            keep: { releases: 2, bytes: 1e6 },
            routeTimeoutMs: 1_000,
            clone: ({ repository, commit, cloneToken }, signal) =>
              cloneCommit({
                baseUrl: git.url,
                apiUrl: `${git.url}/api/v3`,
                repository,
                commit,
                token: cloneToken,
                clonesDir: join(folder, "clones"),
                limits: { timeoutMs: 20_000, maxFileBytes: 1e7 },
                signal,
                background: dependencies.background,
                log,
              }),
            builder: {
              podman: new Dockerode({ socketPath: "/nonexistent" }),
              imageReference: "x",
              limits: { memoryBytes: 1, diskBytes: 1, cpus: 1, pids: 1, timeoutMs: 1 },
              dns: [],
              networkName: "catapult-test",
              caches,
              maxSourceBytes: 1e7,
              runInSandbox: (run) => sandbox(run),
            },
          },
          request,
          controller,
        ),
    },
  });
  return {
    acceptor,
    store,
    reports,
    orders,
    results,
    async settled() {
      await Promise.all(behind);
      expect(errors).toEqual([]);
    },
  };
}

function build(changes: MessageInitShape<typeof BuildRequestSchema>): BuildRequest {
  const generation = changes.generation ?? 1n;
  return create(BuildRequestSchema, {
    siteId: 5n,
    generation,
    deploymentId: 100n + generation,
    host: "pr-1-site.test",
    kind: SiteKind.PREVIEW,
    url: "https://pr-1-site.test",
    repositoryId: 42n,
    repository: "acme/site",
    branch: "topic",
    pullRequest: 1n,
    cloneToken: "ghs_token",
    trust: Trust.REPOSITORY,
    ...changes,
  });
}

function removal(generation: bigint, siteId = 5n, host = "pr-1-site.test"): CleanupRequest {
  return create(CleanupRequestSchema, { siteId, generation, host });
}

function lastReport(deploymentId: bigint): Promise<ReportStatusRequest> {
  return eventually(() => {
    const last = worker.reports.findLast((report) => report.deploymentId === deploymentId);
    if (last === undefined || last.state < DeploymentState.SUCCEEDED) throw new Error(`deployment ${deploymentId} has not ended`);
    return last;
  }, 15_000);
}

async function deploy(request: BuildRequest): Promise<ReportStatusRequest> {
  expect(await worker.acceptor.build(request)).toBe(Outcome.ACCEPTED);
  return lastReport(request.deploymentId);
}

test("A static site goes from the commit to its URL without a container, and its token is revoked", async () => {
  const commit = await git.commit("acme/site", { "index.html": "one", ".deploy.json": '{"site_type":"static"}' });
  const report = await deploy(build({ commit }));
  expect(report).toMatchObject({
    state: DeploymentState.SUCCEEDED,
    release: `1-${commit.slice(0, 8)}`,
    url: "https://pr-1-site.test",
    siteType: SiteType.STATIC,
    releaseFiles: 1n,
    releaseBytes: 3n,
    imageId: "",
  });
  expect(report.stageTimings.map(({ stage }) => stage)).toEqual([
    Stage.CLONE,
    Stage.DETECT,
    Stage.BUILD,
    Stage.PUBLISH,
    Stage.ROUTE,
  ]);
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("one");
  expect((await getSite(port, "pr-1-site.test", "/.deploy.json")).status).toBe(404);
  await eventually(async () => expect(await readdir(join(folder, "clones"))).toEqual([]));
  await eventually(() =>
    expect(git.requests).toContainEqual({
      method: "DELETE",
      url: "/api/v3/installation/token",
      authorization: "Bearer ghs_token",
    }),
  );
});

test("A built site gets the tree, the seed and the environment, and its packages are kept until the lock file changes", async () => {
  const seen: { request: SandboxRequest; seeded: boolean }[] = [];
  let saves = 0;
  let released = 0;
  sandbox = async (request) => {
    seen.push({ request, seeded: request.cache?.seed !== undefined });
    request.onLine("\u001b[31mbuilding\u001b[0m");
    return {
      ok: true,
      imageId: `sha256:${"a".repeat(64)}`,
      output: Readable.from([await packFiles({ "index.html": `built ${seen.length}` })]),
      cache: async () => {
        saves++;
        return Readable.from([await packFiles({ "npm/x": "cached" })]);
      },
      timings: { prepareMs: 1, putMs: 1, buildMs: 1 },
      release: async () => void released++,
    };
  };
  const files = { "package.json": '{"devDependencies":{"vite":"7"}}', "package-lock.json": "{}" };
  for (const generation of [1n, 2n, 3n]) {
    const commit = await git.commit("acme/site", {
      ...files,
      "package-lock.json": generation === 3n ? '{"new":1}' : "{}",
      n: String(generation),
    });
    const report = await deploy(build({ commit, generation }));
    expect(report).toMatchObject({ state: DeploymentState.SUCCEEDED, imageId: "a".repeat(64), siteType: SiteType.VITE });
    await eventually(() => expect(worker.acceptor.running()).toBe(0));
  }
  expect(seen.map(({ seeded }) => seeded)).toEqual([false, true, true]);
  expect([saves, released]).toEqual([2, 3]);
  expect(seen[0]?.request).toMatchObject({ command: "npm ci && npm run build", outputDir: "dist", devshell: "vite" });
  expect(seen[0]?.request.environment).toMatchObject({
    CI: "true",
    CATAPULT_CONTEXT: "preview",
    CATAPULT_BRANCH: "topic",
    CATAPULT_PR: "1",
  });
  expect(JSON.stringify(seen[0]?.request.environment)).not.toContain("ghs_token");
  expect(worker.reports.flatMap(({ logLines }) => logLines)).toContain("building");
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("built 3");
});

test("What a repository's own flake made is kept when its flake changes, and the packages of the same lock file are still taken from the cache", async () => {
  const saved: string[] = [];
  const offline: (string | undefined)[] = [];
  sandbox = async (request) => {
    offline.push(request.environment["npm_config_prefer_offline"]);
    return {
      ok: true,
      imageId: `sha256:${"a".repeat(64)}`,
      output: Readable.from([await packFiles({ "index.html": "built" })]),
      cache: async () => {
        saved.push(`of build ${offline.length}`);
        return Readable.from([await packFiles({ "npm/x": "cached" })]);
      },
      timings: { prepareMs: 1, putMs: 1, buildMs: 1 },
      release: async () => undefined,
    };
  };
  const flakes = ["{ a }", "{ a }", "{ b }"];
  for (const [index, flake] of flakes.entries()) {
    const commit = await git.commit("acme/site", {
      "package.json": '{"devDependencies":{"vite":"7"}}',
      "package-lock.json": "{}",
      "flake.nix": flake,
      n: String(index),
    });
    expect(await deploy(build({ commit, generation: BigInt(index + 1) }))).toMatchObject({ state: DeploymentState.SUCCEEDED });
    await eventually(() => expect(worker.acceptor.running()).toBe(0));
  }
  expect([saved, offline]).toEqual([
    ["of build 1", "of build 3"],
    [undefined, "true", "true"],
  ]);
});

test("A failure names its stage and reason, and what was live stays live", async () => {
  await deploy(build({ commit: await git.commit("acme/site", { "index.html": "good" }) }));
  const report = await deploy(
    build({ generation: 2n, commit: await git.commit("acme/site", { "readme.md": "nothing to serve" }) }),
  );
  expect(report).toMatchObject({ state: DeploymentState.FAILED, failure: { stage: Stage.DETECT, reason: "site_type_unknown" } });
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("good");
  const missing = await deploy(build({ generation: 3n, commit: "1".repeat(40) }));
  expect(missing).toMatchObject({ state: DeploymentState.FAILED, failure: { stage: Stage.CLONE, reason: "commit_not_found" } });
  const links = await git.commit("acme/site", { "index.html": "x", passwd: { link: "/etc/passwd" } });
  const refused = await deploy(build({ generation: 4n, commit: links }));
  expect(refused.failure).toMatchObject({
    stage: Stage.PUBLISH,
    reason: "output_refused",
    message: expect.stringContaining("passwd"),
  });
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("good");
});

test("The same generation is the same work, and nothing lower than one that was seen is taken, over a restart too", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  await deploy(build({ commit, generation: 5n }));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  const before = worker.reports.length;
  expect(await worker.acceptor.build(build({ commit, generation: 5n }))).toBe(Outcome.ALREADY_DONE);
  expect(worker.reports.slice(before)).toMatchObject([{ deploymentId: 105n, state: DeploymentState.SUCCEEDED }]);
  await worker.acceptor.stop();
  worker = await startTestWorker();
  expect(await worker.acceptor.build(build({ commit, generation: 4n }))).toBe(Outcome.SUPERSEDED);
  expect(await worker.acceptor.build(build({ commit, generation: 5n }))).toBe(Outcome.ALREADY_DONE);
});

test("A newer generation ends the running one before its own work begins; another site waits for a slot", async () => {
  const running: bigint[] = [];
  sandbox = async (request) => {
    const generation = BigInt(request.labels["catapult.generation"] ?? "0");
    running.push(generation);
    if (generation === 1n) await new Promise((settle) => request.signal.addEventListener("abort", settle));
    if (generation === 1n)
      return { ok: false, imageId: "", failure: { stage: "build", reason: "canceled", message: "canceled" } };
    expect(worker.acceptor.running()).toBe(1);
    return {
      ok: true,
      imageId: "",
      output: Readable.from([await packFiles({ "index.html": "two" })]),
      cache: async () => Readable.from([await packFiles({ x: "y" })]),
      timings: { prepareMs: 1, putMs: 1, buildMs: 1 },
      release: async () => undefined,
    };
  };
  const commit = await git.commit("acme/site", { "package.json": '{"devDependencies":{"vite":"7"}}' });
  expect(await worker.acceptor.build(build({ commit }))).toBe(Outcome.ACCEPTED);
  expect(await worker.acceptor.build(build({ commit }))).toBe(Outcome.ACCEPTED);
  await eventually(() => expect(running).toEqual([1n]));
  expect(await worker.acceptor.build(build({ commit, siteId: 6n, deploymentId: 7n }))).toBe(Outcome.BUSY);
  expect(worker.store.get(6n)).toBeUndefined();
  expect(await deploy(build({ commit, generation: 2n }))).toMatchObject({ state: DeploymentState.SUCCEEDED });
  expect(await lastReport(101n)).toMatchObject({ state: DeploymentState.SUPERSEDED });
  expect(running).toEqual([1n, 2n]);
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("two");
});

test("A newer generation does not wait until the packages of the one that is live are kept, and keeps its own", async () => {
  const endless = new Readable({ read: () => undefined });
  sandbox = async (request) => ({
    ok: true,
    imageId: "",
    output: Readable.from([await packFiles({ "index.html": request.labels["catapult.generation"] ?? "" })]),
    cache: async () => (request.labels["catapult.generation"] === "1" ? endless : Readable.from([await packFiles({ x: "y" })])),
    timings: { prepareMs: 1, putMs: 1, buildMs: 1 },
    release: async () => undefined,
  });
  const commit = await git.commit("acme/site", { "package.json": '{"devDependencies":{"vite":"7"}}' });
  expect(await deploy(build({ commit }))).toMatchObject({ state: DeploymentState.SUCCEEDED });
  await eventually(async () => expect(await readdir(join(folder, "caches"))).toEqual(["42-repository.0.tmp"]));
  expect(await deploy(build({ commit, generation: 2n }))).toMatchObject({ state: DeploymentState.SUCCEEDED });
  expect(endless.destroyed).toBe(true);
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  expect((await readdir(join(folder, "caches"))).toSorted()).toEqual(["42-repository.id", "42-repository.tar"]);
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("2");
});

test("Central's order ends a build, and it is reported as canceled", async () => {
  sandbox = async (request) => {
    await new Promise((settle) => request.signal.addEventListener("abort", settle));
    return { ok: false, imageId: "", failure: { stage: "build", reason: "canceled", message: "canceled" } };
  };
  worker.orders.add(101n);
  const commit = await git.commit("acme/site", { "package.json": '{"devDependencies":{"vite":"7"}}' });
  expect(await deploy(build({ commit }))).toMatchObject({ state: DeploymentState.CANCELED });
  expect(existsSync(join(folder, "www/live/pr-1-site.test"))).toBe(false);
});

test("Where a build's packets went is told with the end of its deployment, and with the same end told again, whether it succeeded or failed", async () => {
  const egress = [{ address: "203.0.113.1", port: 443, protocol: "tcp" as const, bytes: 5000n }];
  const results: SandboxResult[] = [
    {
      ok: true,
      imageId: "",
      egress: Promise.resolve(egress),
      output: Readable.from([await packFiles({ "index.html": "one" })]),
      cache: async () => Readable.from([await packFiles({ x: "y" })]),
      timings: { prepareMs: 1, putMs: 1, buildMs: 1 },
      release: async () => undefined,
    },
    {
      ok: false,
      imageId: "",
      egress: Promise.resolve(egress),
      failure: { stage: "build", reason: "command_failed", message: "It failed." },
    },
  ];
  sandbox = async () => results.shift() ?? Promise.reject(new Error("no more builds"));
  const commit = await git.commit("acme/site", { "package.json": '{"devDependencies":{"vite":"7"}}' });
  expect(await deploy(build({ commit }))).toMatchObject({ state: DeploymentState.SUCCEEDED, egress });
  expect(await deploy(build({ commit, generation: 2n }))).toMatchObject({ state: DeploymentState.FAILED, egress });
  const before = worker.reports.filter(({ state }) => state !== DeploymentState.SUCCEEDED && state !== DeploymentState.FAILED);
  expect(before.flatMap((report) => report.egress)).toEqual([]);
  expect(await worker.acceptor.build(build({ commit, generation: 2n }))).toBe(Outcome.ALREADY_DONE);
  expect(worker.reports.at(-1)).toMatchObject({ state: DeploymentState.FAILED, egress });
});

test("A rollback makes an existing release live without clone or build, and says so when it is not kept", async () => {
  const commit = await git.commit("acme/site", { "index.html": "old" });
  const first = await deploy(build({ commit }));
  await deploy(build({ generation: 2n, commit: await git.commit("acme/site", { "index.html": "new" }) }));
  const back = await deploy(build({ generation: 3n, commit: "", release: first.release }));
  expect(back).toMatchObject({ state: DeploymentState.SUCCEEDED, release: first.release });
  expect(back.stageTimings.map(({ stage }) => stage)).toEqual([Stage.ROUTE]);
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("old");
  const missing = await deploy(build({ generation: 4n, commit: "", release: "9-00000000" }));
  expect(missing.failure).toMatchObject({ reason: "release_missing" });
});

test("A removal takes route, link and files away, is reported, and leaves the fence", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  expect(await deploy(build({ commit }))).toMatchObject({ state: DeploymentState.SUCCEEDED });
  const request = create(CleanupRequestSchema, { siteId: 5n, generation: 2n, host: "pr-1-site.test" });
  expect(await worker.acceptor.cleanup(request)).toBe(Outcome.ACCEPTED);
  await eventually(() =>
    expect(worker.reports.at(-1)).toMatchObject({ siteId: 5n, generation: 2n, siteRemoved: true, deploymentId: 0n }),
  );
  expect((await getSite(port, "pr-1-site.test", "/")).status).toBe(404);
  expect(await readdir(join(folder, "www/live"))).toEqual([]);
  expect(await readdir(join(folder, "www/sites"))).toEqual([]);
  expect(await worker.acceptor.cleanup(request)).toBe(Outcome.ALREADY_DONE);
  expect(await worker.acceptor.build(build({ commit, generation: 1n }))).toBe(Outcome.SUPERSEDED);
  expect(await deploy(build({ commit, generation: 3n }))).toMatchObject({ state: DeploymentState.SUCCEEDED });
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("x");
});

test("A removal of another host, or at the generation of a build, is refused, and the site is served on", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  await deploy(build({ commit }));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  const cleanup = (generation: bigint, host: string) =>
    worker.acceptor.cleanup(create(CleanupRequestSchema, { siteId: 5n, generation, host }));
  await expect(cleanup(2n, "nowhere.test")).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    rawMessage: "site 5 is served at pr-1-site.test, not at nowhere.test",
  });
  await expect(cleanup(1n, "pr-1-site.test")).rejects.toMatchObject({
    code: Code.FailedPrecondition,
    rawMessage: "generation 1 of site 5 is a build",
  });
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("x");
  expect(worker.store.get(5n)).toMatchObject({ generation: 1n, live: { generation: 1n } });
  expect(await cleanup(2n, "pr-1-site.test")).toBe(Outcome.ACCEPTED);
  await eventually(() => expect(worker.reports.at(-1)).toMatchObject({ siteRemoved: true, generation: 2n }));
  expect(await worker.acceptor.build(build({ commit, generation: 2n }))).toBe(Outcome.SUPERSEDED);
  // A host that is served no more is nobody's: what ends the site again need not know it.
  expect(await cleanup(3n, "nowhere.test")).toBe(Outcome.ACCEPTED);
});

test("A removal that a stop cut short is finished by the next start", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  await deploy(build({ commit }));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  await worker.store.withLock(5n, async () => {
    const state = worker.store.get(5n);
    if (state !== undefined) await worker.store.put({ ...state, generation: 2n, removal: "pending" });
  });
  await worker.acceptor.stop();
  worker = await startTestWorker();
  await worker.acceptor.resume();
  await eventually(() => expect(worker.reports.at(-1)).toMatchObject({ siteRemoved: true, generation: 2n }));
  expect(await readdir(join(folder, "www/sites"))).toEqual([]);
});

test("A host that another site serves is not taken from it", async () => {
  const commit = await git.commit("acme/site", { "index.html": "first" });
  await deploy(build({ commit }));
  const report = await deploy(
    build({ siteId: 6n, deploymentId: 300n, commit: await git.commit("acme/site", { "index.html": "second" }) }),
  );
  expect(report.failure).toMatchObject({ stage: Stage.ROUTE, reason: "host_taken" });
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("first");
});

test("A drain takes no more and lets what runs end, until its time is over", async () => {
  let end: (() => void) | undefined;
  sandbox = async (run) => {
    await new Promise<void>((settle) => {
      end = settle;
      run.signal.addEventListener("abort", () => settle());
    });
    return { ok: false, imageId: "", failure: { stage: "build", reason: "command_failed", message: "it ended by itself" } };
  };
  const commit = await git.commit("acme/site", { "package.json": '{"devDependencies":{"vite":"7"}}' });
  expect(await worker.acceptor.build(build({ commit }))).toBe(Outcome.ACCEPTED);
  await eventually(() => expect(end).toBeDefined());
  await worker.acceptor.drain(10);
  expect(worker.acceptor.running()).toBe(1);
  expect(worker.acceptor.isStopping()).toBe(true);
  const drained = worker.acceptor.drain(60_000);
  expect(await worker.acceptor.build(build({ commit, siteId: 6n, host: "b.test" }))).toBe(Outcome.BUSY);
  end?.();
  await drained;
  expect(worker.acceptor.running()).toBe(0);
  expect((await lastReport(101n)).failure).toMatchObject({ reason: "command_failed" });
});

test("A result that Central took is not told again by a start, one that it did not is, whatever it was", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  await deploy(build({ commit }));
  await eventually(() => expect(worker.store.get(5n)).not.toHaveProperty("unreported"));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  centralAnswers = false;
  expect(await worker.acceptor.cleanup(removal(2n))).toBe(Outcome.ACCEPTED);
  await eventually(() => expect(worker.store.get(5n)).toMatchObject({ removal: "done", unreported: true }));
  await worker.acceptor.stop();
  worker.results.stop();
  worker = await startTestWorker();
  centralAnswers = true;
  worker.results.resume();
  await eventually(() => expect(worker.reports).toMatchObject([{ siteRemoved: true, evicted: false, generation: 2n }]));
  await eventually(() => expect(worker.store.get(5n)).not.toHaveProperty("unreported"));
});

test("An evicted preview is gone, says so with its generation, and comes back with the next; nothing else can be evicted", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  await deploy(build({ commit }));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  await deploy(build({ commit, siteId: 6n, deploymentId: 300n, host: "site.test", kind: SiteKind.PRODUCTION }));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  expect(await worker.acceptor.evict(6n)).toBe(false);
  expect(await worker.acceptor.evict(7n)).toBe(false);
  expect(await worker.acceptor.evict(5n)).toBe(true);
  await eventually(() =>
    expect(worker.reports.at(-1)).toMatchObject({ siteId: 5n, siteRemoved: true, evicted: true, generation: 1n }),
  );
  expect(await worker.acceptor.evict(5n)).toBe(false);
  expect((await getSite(port, "pr-1-site.test", "/")).status).toBe(404);
  expect((await getSite(port, "site.test", "/")).body).toBe("x");
  expect(await readdir(join(folder, "www/sites"))).toEqual(["6"]);
  await deploy(build({ commit, generation: 2n }));
  expect((await getSite(port, "pr-1-site.test", "/")).body).toBe("x");
  expect(worker.store.get(5n)).not.toHaveProperty("evicted");
});

test("A preview that was evicted while Central was away is listed as being worked on until Central has heard of it", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  await deploy(build({ commit }));
  await eventually(() => expect(worker.acceptor.running()).toBe(0));
  const list = async () =>
    (
      await listSites(
        { store: worker.store, sitesDir: join(folder, "www"), isWorking: worker.acceptor.isWorking },
        { afterSiteId: 0n, pageSize: 0 },
      )
    ).sites;
  centralAnswers = false;
  expect(await worker.acceptor.evict(5n)).toBe(true);
  expect(worker.acceptor.isWorking(5n)).toBe(false);
  expect(await list()).toMatchObject([{ siteId: 5n, removed: true, working: true }]);
  centralAnswers = true;
  await eventually(async () => expect(await list()).toMatchObject([{ siteId: 5n, removed: true, working: false }]));
  expect(worker.reports.at(-1)).toMatchObject({ siteId: 5n, evicted: true });
});

test("Sites are listed by id in pages as the disk has them: one whose release or link is gone is live no more", async () => {
  const commit = await git.commit("acme/site", { "index.html": "x" });
  const deployHere = async (siteId: bigint, generation: bigint): Promise<void> => {
    await deploy(build({ commit, siteId, generation, deploymentId: siteId * 100n + generation, host: `s${siteId}.test` }));
    await eventually(() => expect(worker.acceptor.running()).toBe(0));
  };
  for (const siteId of [5n, 6n, 7n]) await deployHere(siteId, 1n);
  await deployHere(5n, 2n);
  expect(await worker.acceptor.cleanup(removal(2n, 7n, "s7.test"))).toBe(Outcome.ACCEPTED);
  await eventually(() => expect(worker.store.get(7n)?.removal).toBe("done"));
  const list = (afterSiteId: bigint, pageSize: number): ReturnType<typeof listSites> =>
    listSites(
      { store: worker.store, sitesDir: join(folder, "www"), isWorking: worker.acceptor.isWorking },
      { afterSiteId, pageSize },
    );
  const [first, second] = [`1-${commit.slice(0, 8)}`, `2-${commit.slice(0, 8)}`];
  const page = await list(0n, 2);
  expect(page).toMatchObject({
    more: true,
    sites: [
      {
        siteId: 5n,
        generation: 2n,
        host: "s5.test",
        kind: SiteKind.PREVIEW,
        liveRelease: second,
        liveGeneration: 2n,
        releases: [second, first],
      },
      { siteId: 6n, liveRelease: first, liveGeneration: 1n, working: false, removed: false },
    ],
  });
  expect(page.totalBytes).toBeGreaterThan(page.freeBytes);
  expect(await list(6n, 2)).toMatchObject({ more: false, sites: [{ siteId: 7n, removed: true, liveRelease: "", releases: [] }] });
  await rm(join(folder, "www/sites/5/releases", second), { recursive: true });
  await rm(join(folder, "www/live/s6.test"));
  expect((await list(0n, 0)).sites).toMatchObject([
    { siteId: 5n, liveRelease: "", liveGeneration: 0n, releases: [first] },
    { siteId: 6n, liveRelease: "", liveGeneration: 0n, releases: [first] },
    { siteId: 7n },
  ]);
});

test("A stop ends what runs, takes no more, and hands the work back; what Central did not hear the next start says again", async () => {
  const sandboxIs = { begun: false, gone: false };
  sandbox = async (run) => {
    sandboxIs.begun = true;
    await new Promise((settle) => run.signal.addEventListener("abort", settle));
    sandboxIs.gone = true;
    return { ok: false, imageId: "", failure: { stage: "build", reason: "canceled", message: "canceled" } };
  };
  const commit = await git.commit("acme/site", { "package.json": '{"devDependencies":{"vite":"7"}}' });
  expect(await worker.acceptor.build(build({ commit }))).toBe(Outcome.ACCEPTED);
  await eventually(() => expect(sandboxIs.begun).toBe(true));
  centralAnswers = false;
  await worker.acceptor.stop();
  expect(sandboxIs.gone).toBe(true);
  expect(worker.reports.every(({ state }) => state < DeploymentState.SUCCEEDED)).toBe(true);
  expect(await worker.acceptor.build(build({ commit, generation: 2n }))).toBe(Outcome.BUSY);
  expect(worker.store.get(5n)).toMatchObject({
    unreported: true,
    finished: { state: DeploymentState.CANCELED, handedBack: true },
  });
  // The worker before would go on telling it, if it had not ended.
  const next = await startTestWorker();
  centralAnswers = true;
  next.results.resume();
  await eventually(() => expect(next.reports).toMatchObject([{ deploymentId: 101n, handedBack: true }]));
  await eventually(() => expect(next.store.get(5n)?.unreported).toBeUndefined());
});
