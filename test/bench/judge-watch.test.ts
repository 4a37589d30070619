import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import { WatchDeploymentResponseSchema, type WatchDeploymentResponse } from "#gen/catapult/v1/operator_service_pb.js";
import { judgeWatch } from "./judge-watch.ts";

const describeLine = (number: number) => `line ${number}`;
const lines = (first: number, ...numbers: number[]) =>
  create(WatchDeploymentResponseSchema, { firstLogLine: BigInt(first), logLines: numbers.map(describeLine) });
const end = create(WatchDeploymentResponseSchema, { deployment: { state: DeploymentState.FAILED } });
const alive = create(WatchDeploymentResponseSchema, {});

async function judge(messages: WatchDeploymentResponse[], broken = false) {
  async function* stream() {
    yield* messages;
    if (broken) throw new Error("reset");
  }
  return judgeWatch(stream(), { lines: 4, describeLine });
}

test("a watch that brings each line once, in order, and then the end is good", async () => {
  expect(await judge([lines(1, 1, 2), alive, lines(3, 3, 4), end])).toBeUndefined();
});

test.each([
  ["a doubled line", [lines(1, 1, 2), lines(2, 2, 3, 4), end], "line 2 came where 3 was due"],
  ["a line that is missing", [lines(1, 1, 2), lines(4, 4), end], "line 4 came where 3 was due"],
  ["another line's text", [lines(1, 1, 3, 3, 4), end], "line 2 had another line's text"],
  ["an early end", [lines(1, 1, 2), end], "it ended after line 2"],
  ["no end of the deployment", [lines(1, 1, 2, 3, 4)], "it did not say that the deployment ended"],
])("%s is found", async (_, messages, problem) => {
  expect(await judge(messages)).toBe(problem);
});

test("a stream that breaks is found", async () => {
  expect(await judge([lines(1, 1, 2)], true)).toContain("it broke off after line 2");
});
