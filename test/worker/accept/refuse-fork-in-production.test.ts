import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { callerKey } from "#common/rpc/caller.ts";
import { SiteKind, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { BuildRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { refuseForkInProduction } from "#worker/accept/refuse-fork-in-production.ts";
import { createWorkerService } from "#worker/accept/worker-service.ts";

test("F1 a signed Build of production with a fork's trust is refused by the worker before it asks itself anything else", async () => {
  const never = async () => Promise.reject(new Error("it was not refused"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is refused reaches nothing of the rest
  const service = createWorkerService({ acceptor: { build: never }, readiness: { check: never } } as unknown as Parameters<
    typeof createWorkerService
  >[0]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler asks it for the caller alone
  const context = { values: createContextValues().set(callerKey, { kind: "central" }) } as unknown as HandlerContext;
  const build = async (trust: Trust): Promise<unknown> =>
    service.build(create(BuildRequestSchema, { siteId: 1n, generation: 1n, trust, kind: SiteKind.PRODUCTION }), context);
  for (const trust of [Trust.FORK, Trust.UNSPECIFIED]) {
    const refused = await build(trust).catch((error: unknown) => error);
    expect(ConnectError.from(refused)).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: expect.stringMatching(/^trust: /),
    });
  }
  await expect(build(Trust.REPOSITORY)).rejects.toThrow("it was not refused");
});

test("a fork's preview and the repository's production are not refused", () => {
  expect(() => refuseForkInProduction({ kind: SiteKind.PREVIEW, trust: Trust.FORK })).not.toThrow();
  expect(() => refuseForkInProduction({ kind: SiteKind.PREVIEW, trust: Trust.REPOSITORY })).not.toThrow();
  expect(() => refuseForkInProduction({ kind: SiteKind.PRODUCTION, trust: Trust.REPOSITORY })).not.toThrow();
});
