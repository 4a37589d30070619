import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import {
  ReportStatusRequestSchema,
  ReportStatusResponseSchema,
  type ReportStatusRequest,
} from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { cleanLine } from "#worker/report/clean-line.ts";
import { createReporter, type Reporter, type ReporterOptions } from "#worker/report/create-reporter.ts";
import { createLineBuffer } from "#worker/report/line-buffer.ts";

type Answer = (request: ReportStatusRequest, call: number) => { cancel?: boolean; acknowledged?: bigint };

function start(
  answer: Answer,
  changes: Partial<ReporterOptions> = {},
): { reporter: Reporter; sent: ReportStatusRequest[]; events: string[]; stored: string[] } {
  const sent: ReportStatusRequest[] = [];
  const events: string[] = [];
  const stored: string[] = [];
  const reporter = createReporter({
    async send(request) {
      sent.push(request);
      const { cancel, acknowledged } = answer(request, sent.length);
      for (const [index, line] of request.logLines.entries()) stored[Number(request.firstLogLine) - 1 + index] = line;
      return create(ReportStatusResponseSchema, {
        cancel: cancel ?? false,
        acknowledgedLogLine: acknowledged ?? BigInt(stored.length),
      });
    },
    siteId: 1n,
    generation: 1n,
    deploymentId: 1n,
    state: DeploymentState.DISPATCHED,
    onCancel: () => events.push("cancel"),
    onLost: (message) => events.push(`lost: ${message}`),
    intervalMs: 20,
    ...changes,
  });
  return { reporter, sent, events, stored };
}

const last = create(ReportStatusRequestSchema, {
  siteId: 1n,
  generation: 1n,
  deploymentId: 1n,
  state: DeploymentState.SUCCEEDED,
});

test("Every line arrives once and in order, also when reports fail in between, and the end comes last", async () => {
  const run = start((_, call) => {
    if (call % 3 === 2) throw new ConnectError("down", Code.Unavailable);
    return {};
  });
  const lines = Array.from({ length: 3_500 }, (_, index) => `line ${index}`);
  for (const line of lines) run.reporter.line(line);
  run.reporter.setState(DeploymentState.BUILDING);
  await run.reporter.finish(last);
  expect(run.stored).toEqual(lines);
  expect(run.sent.at(-1)?.state).toBe(DeploymentState.SUCCEEDED);
  expect(run.sent.every(({ logLines }) => logLines.length <= 1_000)).toBe(true);
});

test("Reports go on while nothing changes, so that the lease lives", async () => {
  const run = start(() => ({}));
  await eventually(() => expect(run.sent.length).toBeGreaterThan(3));
  await run.reporter.stop();
});

test("Central's order to cancel is passed on", async () => {
  const run = start(() => ({ cancel: true }));
  await eventually(() => expect(run.events).toContain("cancel"));
  await run.reporter.stop();
});

test("A lost lease is told: at once when Central says so, else when nothing was acknowledged for its length", async () => {
  const refused = start(() => {
    throw new ConnectError("lost", Code.FailedPrecondition);
  });
  await eventually(() => expect(refused.events[0]).toMatch(/^lost: /));
  expect(refused.sent.length).toBe(1);
  const silent = start(
    () => {
      throw new ConnectError("down", Code.Unavailable);
    },
    { leaseMs: 50 },
  );
  await eventually(() => expect(silent.events[0]).toMatch(/^lost: /));
  await Promise.all([refused.reporter.stop(), silent.reporter.stop()]);
});

test("The end is not sent again once Central does not want it", async () => {
  const run = start((request) => {
    if (request.state === DeploymentState.SUCCEEDED) throw new ConnectError("gone", Code.NotFound);
    return {};
  });
  await run.reporter.finish(last);
  expect(run.sent.filter(({ state }) => state === DeploymentState.SUCCEEDED).length).toBe(1);
});

test("A line that Central cannot be brought to acknowledge does not keep back the end for ever", async () => {
  const run = start(() => ({ acknowledged: 0n }));
  for (let index = 0; index < 2_500; index++) run.reporter.line("x");
  await run.reporter.finish(last);
  expect(run.sent.at(-1)?.state).toBe(DeploymentState.SUCCEEDED);
});

test("Lines lose control, colour and direction characters and what is too long", () => {
  expect(cleanLine("\u001b[31mred\u001b[0m\r\n\u202eevil\u0007\tok")).toBe("redevil\tok");
  expect(cleanLine("x".repeat(5_000)).length).toBe(4_000);
  expect(cleanLine(`${"x".repeat(3_999)}\u{1F600}`).isWellFormed()).toBe(true);
});

test("A buffer that nobody empties is bounded, and says that it dropped lines", () => {
  const buffer = createLineBuffer();
  for (let index = 0; index < 60_000; index++) buffer.push("x");
  buffer.acknowledge(49_999n);
  expect(buffer.next().first).toBe(50_000n);
  expect(buffer.next().lines).toEqual(["x", expect.stringContaining("dropped")]);
});

test("What is asked of Central anew is answered by a report that was begun after the question, and by an old one never", async () => {
  const answers: (() => void)[] = [];
  let calls = 0;
  const reporter = createReporter({
    async send() {
      calls++;
      await new Promise<void>((settle) => answers.push(settle));
      return create(ReportStatusResponseSchema, { cancel: calls === 3 });
    },
    siteId: 1n,
    generation: 1n,
    deploymentId: 1n,
    state: DeploymentState.DISPATCHED,
    onCancel: () => events.push("cancel"),
    onLost: () => undefined,
    intervalMs: 60_000,
  });
  const events: string[] = [];
  const answer = async (call: number): Promise<void> => {
    await eventually(() => expect(calls).toBe(call));
    answers.shift()?.();
  };
  await eventually(() => expect(calls).toBe(1));
  expect(reporter.confirmedWithin(60_000)).toBe(false);
  const first = reporter.confirm().then(() => events.push("confirmed"));
  await answer(1);
  await eventually(() => expect(calls).toBe(2));
  expect(events).toEqual([]);
  await answer(2);
  await first;
  expect(reporter.confirmedWithin(60_000)).toBe(true);
  const second = reporter.confirm().then(() => events.push("told of the end"));
  await answer(3);
  await second;
  expect(events).toEqual(["confirmed", "cancel", "told of the end"]);
  await reporter.stop();
  await reporter.confirm();
});

test("Who waits for Central's word is let go when the lease is lost", async () => {
  const run = start(() => {
    throw new ConnectError("another has it", Code.FailedPrecondition);
  });
  await run.reporter.confirm();
  expect(run.events).toHaveLength(1);
  expect(run.reporter.confirmedWithin(60_000)).toBe(false);
  await run.reporter.stop();
});
