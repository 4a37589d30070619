import { expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { eventually } from "#test/support/eventually.ts";
import { createCanary } from "#worker/canary/create-canary.ts";
import { describeFault } from "#worker/canary/describe-fault.ts";
import { describeState } from "#worker/canary/describe-state.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { sweepSandboxes } from "#worker/sandbox/sweep-sandboxes.ts";

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("Podman's silence is named as such, with how long it was waited for", async () => {
  const attempt = "list the networks of sandboxes";
  const error = await failure(callPodman(attempt, async () => withDeadline(30, attempt, new Promise(() => undefined))));
  expect(describeFault(error)).toBe("Podman did not answer in 0.03 s");
  expect(describeFault(new AggregateError([error], "one thing could not be removed"))).toBe("Podman did not answer in 0.03 s");
});

test("an answer, a refused connection and the worker's own error are told apart, without what errors say", async () => {
  const answered = await failure(
    callPodman("x", async () => Promise.reject(Object.assign(new Error("/secret"), { statusCode: 500 }))),
  );
  expect(describeFault(answered)).toBe("Podman answered with status 500");
  const refused = await failure(
    callPodman("x", async () => Promise.reject(Object.assign(new Error("/secret"), { code: "ECONNREFUSED" }))),
  );
  expect(describeFault(refused)).toBe("Podman could not be asked (ECONNREFUSED)");
  expect(describeFault(new TypeError("/secret"))).toBe("an error of the worker's own; its log says which");
});

test("a sweep before the first proof that does not reach Podman is told as that, not as the worker's own fault", async () => {
  const canary = createCanary({
    run: async () => {
      await sweepSandboxes(connectPodman("/nonexistent/podman.sock"), "cttest");
      throw new Error("the sweep went well");
    },
    log: createLogger({ name: "test", level: "silent" }),
    schedule: { everyMs: 60_000, retryMs: 60_000, maxRetryMs: 60_000, askAgainMs: 1 },
  });
  await eventually(() => expect(canary.state().kind).toBe("unanswered"));
  expect(describeState(canary.state())?.reason).toBe("not proven: engine (Podman could not be asked (ENOENT))");
  await canary.stop();
});
