import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";
import { roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";
import { faultsOn } from "./support/fault.ts";
import { deploymentsOf, expectLive, repository } from "./support/sites.ts";

const host = "www.one.localhost";
let stack: Stack;
const worker = () => stack.workers[0]!.daemon;

/** A site whose build takes as long as its repository says. */
beforeAll(async () => {
  stack = await startStack();
  await stack.forge.createRepository({ ...repository, files: { "index.html": "first", seconds: "0" } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: repository.owner,
      githubRepo: repository.name,
      environment: "one",
      domain: "one.localhost",
      subdomain: "www",
      siteType: SiteType.CUSTOM,
      buildCommand: 'mkdir out && cp index.html out && echo "the build waits" && sleep "$(cat seconds)"',
      outputDir: "out",
    },
  });
  await eventually(async () => {
    if ((await served()) !== "first") throw new Error("the first build is not served yet");
  }, 120_000);
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const fault = faultsOn(() => stack);

const served = async (): Promise<string> => (await visit(stack.workers[0]!.sitesPort, host)).body;

async function push(text: string, seconds: number): Promise<string> {
  const files = { "index.html": text, seconds: String(seconds) };
  return (await stack.forge.pushFiles({ ...repository, branch: "main", files })).sha;
}

/** Waits until the commit's build command runs in its container. */
async function isBuilding(commit: string): Promise<void> {
  await eventually(async () => {
    const { rows } = await stack.pool.query(
      `select from deployment_log_lines l join deployment_history d on d.id = l.deployment_id
       where d.commit_sha = $1 and d.state = 'building' and l.line = 'the build waits'`,
      [commit],
    );
    expect(rows).toHaveLength(1);
  });
}

/** The containers in which the worker builds now, running or not. */
async function buildContainers(): Promise<string[]> {
  const own = createHash("sha256").update(stack.workers[0]!.stateDirectory).digest("hex").slice(0, 8);
  const label = [`${sandboxLabel}=catapult-${own}`, `${roleLabel}=build`];
  return (await stack.podman.podman.listContainers({ all: true, filters: { label } })).map(({ Status }) => Status);
}

/** How often it was told to stop. */
const stops = async (): Promise<number> => (await worker().log()).split('"msg":"stopping"').length;

fault("fault 41: a worker that is told to stop lets its build end, takes nothing new, and ends in order", async () => {
  const sha = await push("ends by itself", 3);
  await isBuilding(sha);
  worker().signal("SIGTERM");
  const newer = await stack.forge.pushFiles({ ...repository, branch: "other", files: { "index.html": "preview" } });
  const { number } = await stack.forge.openPullRequest({ ...repository, head: "other" });
  expect(await worker().ended()).toEqual({ code: 0, signal: null });
  await expectLive(stack, host, sha);
  expect(await served()).toBe("ends by itself");
  const preview = `pr-${number}-site.one.localhost`;
  expect(await deploymentsOf(stack, preview)).toEqual([{ commit: newer.sha, state: "queued" }]);
  await worker().start({ env: { DRAIN_TIMEOUT: "1s" } });
  await expectLive(stack, preview, newer.sha);
});

fault("a running build that a newer commit takes the place of is gone within seconds, and its container with it", async () => {
  const sha = await push("is taken over", 600);
  await isBuilding(sha);
  expect(await buildContainers()).toHaveLength(1);
  const newer = await push("took over", 0);
  await expectLive(stack, host, newer);
  await eventually(async () => expect(await buildContainers()).toEqual([]), 15_000);
  expect((await deploymentsOf(stack, host)).slice(-2)).toEqual([
    { commit: sha, state: "superseded" },
    { commit: newer, state: "succeeded" },
  ]);
});

fault("fault 41: a build that does not end before the deadline is handed back at once, and nothing of it stays", async () => {
  const sha = await push("never ends", 600);
  await isBuilding(sha);
  worker().signal("SIGTERM");
  expect(await worker().ended()).toEqual({ code: 0, signal: null });
  // Not after its lease: by the time the worker has ended.
  expect((await deploymentsOf(stack, host)).at(-2)).toEqual({ commit: sha, state: "canceled" });
  await eventually(async () => expect((await deploymentsOf(stack, host)).at(-1)).toEqual({ commit: sha, state: "queued" }));
  const newest = await push("ends again", 0);
  await worker().start();
  await expectLive(stack, host, newest);
  expect(await served()).toBe("ends again");
});

fault("fault 41: a second SIGTERM ends a worker at once, and its next start sweeps what was left and goes on", async () => {
  const page = await served();
  const sha = await push("never ends either", 600);
  await isBuilding(sha);
  const before = await stops();
  worker().signal("SIGTERM");
  await eventually(async () => expect(await stops()).toBe(before + 1));
  worker().signal("SIGTERM");
  expect(await worker().ended()).toEqual({ code: 143, signal: null });
  expect(await served()).toBe(page);
  await worker().start();
  const newest = await push("after all of it", 0);
  await expectLive(stack, host, newest);
});
