import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { podmanHookTimeout } from "./podman.ts";
import { startStack, type Stack } from "./stack.ts";
import { visit } from "./visit.ts";

const repository = { owner: "acme", name: "site" };
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ centrals: 2, links: true });
  await stack.forge.createRepository({ ...repository, files: { "index.html": "one" } });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: { githubOrg: "acme", githubRepo: "site", environment: "one", domain: "one.localhost", subdomain: "www" },
  });
}, podmanHookTimeout);
afterAll(() => stack?.stop());

const served = async (text: string) =>
  eventually(async () =>
    expect(await visit(stack.workers[0]!.sitesPort, "www.one.localhost")).toMatchObject({ status: 200, body: text }),
  );
const push = async (text: string) => stack.forge.pushFiles({ ...repository, branch: "main", files: { "index.html": text } });

test("two Centrals share the work behind proxies, and every part can be ended, paused and started again", async () => {
  await served("one");
  expect(stack.links.all().map(({ name, index }) => `${name} ${index}`)).toEqual([
    "forge-central 0",
    "worker-central 0",
    "central-postgres 0",
    "central-postgres 1",
    "central-worker 0",
    "worker-caddy 0",
  ]);
  const [first, second] = stack.centrals;
  const before = first!.pid;
  await first!.kill();
  expect(await first!.ended()).toEqual({ code: null, signal: "SIGKILL" });
  await push("two");
  await served("two");
  await first!.start();
  expect(first!.pid).not.toBe(before);
  second!.pause();
  stack.links.get("central-worker").set({ latencyMs: 20 });
  await push("three");
  // A paused Central's kernel takes connections all the same: what reaches it waits.
  await sleep(500);
  second!.resume();
  await served("three");
  const worker = stack.workers[0]!;
  await worker.daemon.kill();
  await worker.caddy.kill();
  await push("four");
  await worker.caddy.start();
  await worker.daemon.start();
  await served("four");
});

test("a failpoint that was armed and never hit is told of", async () => {
  const [first] = stack.centrals;
  await first!.restart({ env: { CATAPULT_FAILPOINT: "webhook.before-commit:sleep=1" } });
  expect(await first!.missedFailpoints()).toEqual(["webhook.before-commit"]);
  // Webhooks go to each Central in turn.
  await push("five");
  await push("six");
  await eventually(async () => expect(await first!.missedFailpoints()).toEqual([]));
});
