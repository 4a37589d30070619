import { randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import { createContextValues, ConnectError, Code, type HandlerContext } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import type Dockerode from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { callerKey } from "#common/rpc/caller.ts";
import { readReason } from "#common/rpc/reason-error.ts";
import { Trust } from "#gen/catapult/v1/deployment_pb.js";
import { BuildRequestSchema, Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import { mebibyte } from "#test/worker/sandbox/harness.ts";
import { createReadiness } from "#worker/accept/readiness.ts";
import { createWorkerService } from "#worker/accept/worker-service.ts";
import { createCanary } from "#worker/canary/create-canary.ts";
import { describeState } from "#worker/canary/describe-state.ts";
import { runCanary } from "#worker/canary/run-canary.ts";
import { watchEngine } from "#worker/canary/watch-engine.ts";
import { createHolder, readHolderTerms } from "#worker/sandbox/create-holder.ts";
import { prepareSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { releaseSandbox } from "#worker/sandbox/release-sandbox.ts";
import type { SandboxSetup } from "#worker/sandbox/sandbox-types.ts";

const log = createLogger({ name: "test", level: "silent" });
let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

function createSetup(): SandboxSetup {
  return {
    podman: podman.podman,
    imageReference: podman.imageReference,
    seccompProfile: podman.seccompProfile,
    limits: { memoryBytes: 512 * mebibyte, diskBytes: 64 * mebibyte, cpus: 1, pids: 128, timeoutMs: 60_000 },
    ...readSurroundings(),
    networkName: `cttest-${randomBytes(4).toString("hex")}`,
    labels: {},
    signal: new AbortController().signal,
  };
}

test("Builds wait for the first proof, are refused by the name of one that fails, and are taken once a later run passes", async () => {
  const setup = createSetup();
  let wiped = true;
  const canary = createCanary({
    run: async (signal) =>
      runCanary({
        ...setup,
        signal,
        target: undefined,
        // Fault 17: what holds the network of the build is gone before the build begins.
        prepare: async (asked) => {
          const sandbox = await prepareSandbox(asked);
          if (wiped) await sandbox.holder.kill();
          return sandbox;
        },
      }),
    log,
    schedule: { everyMs: 60_000, retryMs: 1, maxRetryMs: 1 },
  });
  const readiness = createReadiness({ probes: {}, isolation: () => describeState(canary.state()) });
  let taken = 0;
  const acceptor = { build: async () => (taken++, Outcome.ACCEPTED) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a Build asks for no more of the acceptor
  const service = createWorkerService({ acceptor, readiness } as unknown as Parameters<typeof createWorkerService>[0]);
  const values = createContextValues().set(callerKey, { kind: "central" });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler asks it for the caller alone
  const context = { values } as unknown as HandlerContext;
  const build = async () =>
    service.build(create(BuildRequestSchema, { siteId: 1n, generation: 1n, trust: Trust.REPOSITORY }), context);

  expect(await build()).toMatchObject({ outcome: Outcome.BUSY, retryAfter: { seconds: 3n } });
  await eventually(() => expect(canary.state().kind).toMatch(/^(failed|unanswered)$/), 20_000);
  const refusal = await build().then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );
  expect(refusal?.code).toBe(Code.FailedPrecondition);
  expect(refusal && readReason(refusal)).toBe("worker_not_ready");
  expect(refusal?.message).toMatch(/isolation: not proven: \w+/);
  expect(taken).toBe(0);
  wiped = false;
  await eventually(() => expect(canary.state().kind).toBe("proven"), 30_000);
  expect(await build()).toEqual({ outcome: Outcome.ACCEPTED });
  await canary.stop();
}, 60_000);

test("A holder that somebody else ended is told of, also where its release comes before Podman's word of it; one that is released is not", async () => {
  const setup = createSetup();
  const changes: string[] = [];
  // Podman tells of what happened every quarter of a second; here, when the test lets it.
  const heard = new PassThrough();
  const told = Promise.withResolvers<NodeJS.ReadableStream>();
  const late = new Proxy(setup.podman, {
    get: (target, name) =>
      name === "getEvents"
        ? async (options: Dockerode.GetEventsOptions) => {
            told.resolve(await target.getEvents(options));
            return heard;
          }
        : (Reflect.get(target, name) as unknown),
  });
  const watch = watchEngine({
    ...setup,
    podman: late,
    onChange: (reason) => changes.push(reason),
    schedule: { reconnectMs: 50, lookMs: 60_000, blindMs: 60_000 },
  });
  const events = await told.promise;
  const holders = [];
  for (let count = 0; count < 3; count += 1) holders.push(await createHolder(setup, await readHolderTerms(setup)));
  const [released, ended, last] = holders;
  if (released === undefined || ended === undefined || last === undefined) throw new Error("no holders");
  await releaseSandbox(setup.podman, released.names);
  await ended.container.kill();
  await eventually(async () => expect((await ended.container.inspect()).State.Running).toBe(false));
  await releaseSandbox(setup.podman, ended.names);
  events.pipe(heard);
  await eventually(() => expect(changes).toEqual(["a network's holder was ended by somebody else"]), 10_000);
  await last.container.kill();
  await eventually(() => expect(changes).toHaveLength(2), 10_000);
  watch.stop();
  await releaseSandbox(setup.podman, last.names);
}, 60_000);
