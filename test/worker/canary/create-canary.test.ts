import { expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { eventually } from "#test/support/eventually.ts";
import { createReadiness, NotReady } from "#worker/accept/readiness.ts";
import { awaitProof } from "#worker/canary/await-proof.ts";
import { createCanary, type Canary, type CanaryOutcome } from "#worker/canary/create-canary.ts";
import { describeState } from "#worker/canary/describe-state.ts";

const log = createLogger({ name: "test", level: "silent" });
const imageId = "sha256:one";
const passed: CanaryOutcome = { kind: "judged", failed: [], imageId };

/** A canary whose runs end when the test says so. */
function createHeldCanary(): { canary: Canary; runs: PromiseWithResolvers<CanaryOutcome>[] } {
  const runs: PromiseWithResolvers<CanaryOutcome>[] = [];
  const canary = createCanary({
    run: async (signal) => {
      const run = Promise.withResolvers<CanaryOutcome>();
      signal.addEventListener("abort", () => run.resolve(passed));
      runs.push(run);
      return run.promise;
    },
    log,
    schedule: { everyMs: 60_000, retryMs: 1, maxRetryMs: 1 },
  });
  return { canary, runs };
}

test("Nothing is proven before the first run has ended; a failure is named, and a later run that passes recovers", async () => {
  const { canary, runs } = createHeldCanary();
  expect(canary.state()).toEqual({ kind: "running" });
  runs[0]?.resolve({ kind: "judged", failed: [{ proof: "memory", detail: "/secret/path" }], imageId });
  await eventually(() => expect(canary.state()).toEqual({ kind: "failed", proofs: ["memory"] }));
  expect(describeState(canary.state())).toEqual({ reason: "not proven: memory", running: false });
  await eventually(() => expect(runs).toHaveLength(2));
  expect(canary.state()).toEqual({ kind: "failed", proofs: ["memory"] });
  runs[1]?.resolve(passed);
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  await canary.stop();
});

test("A suspicion takes the proof away at once; one that comes during a run makes that run count for nothing; two never run at once", async () => {
  const { canary, runs } = createHeldCanary();
  runs[0]?.resolve(passed);
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  canary.suspect("the engine changed");
  expect(canary.state()).toEqual({ kind: "running" });
  await eventually(() => expect(runs).toHaveLength(2));
  canary.suspect("again");
  expect(runs).toHaveLength(2);
  runs[1]?.resolve(passed);
  await eventually(() => expect(runs).toHaveLength(3));
  expect(canary.state()).toEqual({ kind: "running" });
  runs[2]?.resolve(passed);
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  await canary.stop();
});

test("An engine that did not answer is asked once more before that is told, and what came back is told, without what is the log's alone", async () => {
  const answers: CanaryOutcome[] = [];
  let asked = 0;
  const canary = createCanary({
    run: async () => {
      asked += 1;
      return answers.shift() ?? passed;
    },
    log,
    schedule: { everyMs: 60_000, retryMs: 60_000, maxRetryMs: 60_000, askAgainMs: 1 },
  });
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  expect(asked).toBe(1);
  const twice: CanaryOutcome = { kind: "unanswered", reason: "Podman answered with status 500", detail: "/secret/path" };
  answers.push(twice);
  canary.suspect("the engine changed");
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  expect(asked).toBe(3);
  answers.push(twice, twice);
  canary.suspect("the engine changed");
  await eventually(() => expect(canary.state().kind).toBe("unanswered"));
  expect(asked).toBe(5);
  expect(describeState(canary.state())).toEqual({
    reason: "not proven: engine (Podman answered with status 500)",
    running: false,
  });
  await canary.stop();
});

test("A proof that failed is not asked again at once: it was an answer", async () => {
  let asked = 0;
  const failed = [{ proof: "seccomp", detail: "" }];
  const canary = createCanary({
    run: async () => ((asked += 1), { kind: "judged", failed, imageId }),
    log,
    schedule: { everyMs: 60_000, retryMs: 60_000, maxRetryMs: 60_000, askAgainMs: 1 },
  });
  await eventually(() => expect(canary.state()).toEqual({ kind: "failed", proofs: ["seccomp"] }));
  expect(asked).toBe(1);
  await canary.stop();
});

test("A run that throws proves nothing, and its words stay in the log", async () => {
  const canary = createCanary({
    run: async () => Promise.reject(new Error("no Podman at /secret/path")),
    log,
    schedule: { everyMs: 60_000, retryMs: 60_000, maxRetryMs: 60_000, askAgainMs: 1 },
  });
  await eventually(() => expect(canary.state().kind).toBe("unanswered"));
  expect(describeState(canary.state())?.reason).toBe("not proven: engine (an error of the worker's own; its log says which)");
  await canary.stop();
});

test("A proof expires at twice the timer's interval: no build is taken on it, until a later run proves it again", async () => {
  const runs: PromiseWithResolvers<CanaryOutcome>[] = [];
  const canary = createCanary({
    run: async () => {
      const run = Promise.withResolvers<CanaryOutcome>();
      runs.push(run);
      return run.promise;
    },
    log,
    schedule: { everyMs: 200, retryMs: 1, maxRetryMs: 1 },
  });
  runs[0]?.resolve(passed);
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  // The next run hangs.
  await eventually(() => expect(canary.state()).toEqual({ kind: "expired" }));
  expect(runs).toHaveLength(2);
  const readiness = createReadiness({ probes: {}, isolation: () => describeState(canary.state()) });
  expect(await readiness.check()).toEqual({
    problems: ["isolation: the proof expired: it could not be renewed in time"],
    soon: false,
  });
  expect(await awaitProof(canary, new AbortController().signal)).toEqual({ kind: "expired" });
  runs[1]?.resolve(passed);
  // It took so long that its own beginning is too old as well: only what was begun since then proves anything.
  await eventually(() => expect(runs).toHaveLength(3));
  runs[2]?.resolve(passed);
  await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId }));
  const stopping = canary.stop();
  for (const run of runs) run.resolve(passed);
  await stopping;
});

test("Readiness tells isolation as it is, whatever it kept, and names no path of what threw", async () => {
  let isolation: { reason: string; running: boolean } | undefined;
  const details: string[][] = [];
  const probes: Record<string, () => Promise<void>> = { podman: async () => undefined };
  const readiness = createReadiness({ probes, isolation: () => isolation, onProblem: (problems) => details.push(problems) });
  expect(await readiness.check()).toEqual({ problems: [], soon: false });
  isolation = { reason: "it is being proven", running: true };
  expect(await readiness.check()).toEqual({ problems: ["isolation: it is being proven"], soon: true });
  isolation = { reason: "not proven: seccomp", running: false };
  expect(await readiness.check()).toEqual({ problems: ["isolation: not proven: seccomp"], soon: false });
  const fallible = createReadiness({
    probes: {
      podman: async () => Promise.reject(new Error("connect ENOENT /run/podman.sock")),
      image: async () => Promise.reject(new NotReady("it is not there")),
    },
    onProblem: (problems) => details.push(problems),
  });
  const { problems } = await fallible.check();
  expect(problems).toEqual(["podman: failed; the worker's log says how", "image: it is not there"]);
  await fallible.check();
  expect(details).toEqual([["podman: connect ENOENT /run/podman.sock", "image: it is not there"]]);
});
