import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { callerKey } from "#common/rpc/caller.ts";
import { readReason } from "#common/rpc/reason-error.ts";
import { Trust } from "#gen/catapult/v1/deployment_pb.js";
import { BuildRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.js";
import { refuseVariables } from "#worker/accept/refuse-variables.ts";
import { createWorkerService } from "#worker/accept/worker-service.ts";

/** How the worker refuses a signed Build with these variables, before it asks itself anything else. */
async function offer(trust: Trust, variables: { name: string; value: string }[]): Promise<ConnectError> {
  const never = async () => Promise.reject(new Error("it was not refused"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is refused reaches nothing of the rest
  const service = createWorkerService({ acceptor: { build: never }, readiness: { check: never } } as unknown as Parameters<
    typeof createWorkerService
  >[0]);
  const values = createContextValues().set(callerKey, { kind: "central" });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler asks it for the caller alone
  const context = { values } as unknown as HandlerContext;
  try {
    await service.build(create(BuildRequestSchema, { siteId: 1n, generation: 1n, trust, variables }), context);
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("it was not refused");
}

const secret = { name: "TOKEN", value: "s3cr3t-value" };

test("a commit that is not the repository's own is refused with variables, whoever signed it", async () => {
  for (const trust of [Trust.FORK, Trust.UNSPECIFIED]) {
    const refused = await offer(trust, [secret]);
    expect(refused.code).toBe(Code.InvalidArgument);
    expect(refused.message).not.toContain("s3cr3t");
  }
});

test("a fork's commit without variables, and the repository's own with them, are not refused", () => {
  expect(() => refuseVariables({ trust: Trust.FORK, variables: [] })).not.toThrow();
  const { variables } = create(BuildRequestSchema, { variables: [secret] });
  expect(() => refuseVariables({ trust: Trust.REPOSITORY, variables })).not.toThrow();
});

test.each([
  ["LD_PRELOAD", "s3cr3t-value"],
  ["GIT_SSH", "s3cr3t-value"],
  ["A\nB", "s3cr3t-value"],
  ["TOKEN", "s3cr3t\0value"],
  ["TOKEN", "tiny"],
])("input 41 %j with %j is refused by the worker too", async (name, value) => {
  const refused = await offer(Trust.REPOSITORY, [secret, { name, value }]);
  expect(refused.code).toBe(Code.InvalidArgument);
  expect(refused.message).toContain("variables[1]");
  expect(readReason(refused)).toBe("invalid_field");
  expect(refused.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toMatch(/^variables\[1\]\.(name|value)$/);
  expect(refused.message).not.toContain(value);
});
