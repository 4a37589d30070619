import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type CatapultClient, createCatapultClient } from "#client/create-catapult-client.ts";
import type { CatapultOptions } from "#client/options.ts";
import { readReason } from "#client/read-reason.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { startStubCentral } from "./start-stub-central.ts";

let server: Awaited<ReturnType<typeof startStubCentral>>;
/** What Central does with the next calls, one after the other; then it answers. */
let troubles: (() => unknown)[] = [];
let calls: string[] = [];
const clients: CatapultClient[] = [];

async function meet(name: string): Promise<object> {
  calls.push(name);
  await troubles.shift()?.();
  return {};
}
beforeAll(async () => {
  const names = ["listEnvironments", "createEnvironment", "updateEnvironment", "redeploy", "deploy"] as const;
  server = await startStubCentral(Object.fromEntries(names.map((name) => [name, async () => meet(name)])));
});
afterAll(async () => server.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  server.proxy.set({});
  troubles = [];
  calls = [];
});

function connect(options: Partial<CatapultOptions> = {}): CatapultClient {
  const client = createCatapultClient({ url: server.proxyUrl, token: "cat_x", ca: server.ca, ...options });
  clients.push(client);
  return client;
}
/** The answer is lost: the request arrived, and the connection ends before anything came back. */
const loseAnswer = () => {
  server.proxy.set({ reset: true });
  server.proxy.set({});
};
const codeOf = async (call: Promise<unknown>) =>
  call.then(
    () => "answered",
    (error: unknown) => Code[ConnectError.from(error).code],
  );
const environment = { name: "one", domainSuffixes: ["one.test"], sitesUrl: "https://{host}" };

test("a read whose answer was lost is made again, and a write of which a repeat changes nothing", async () => {
  troubles = [loseAnswer, loseAnswer];
  expect(await codeOf(connect().listEnvironments({}))).toBe("answered");
  expect(calls).toHaveLength(3);
  troubles = [loseAnswer];
  expect(await codeOf(connect().deploy({ githubOrg: "acme", githubRepo: "site" }))).toBe("answered");
  expect(calls).toHaveLength(5);
});

test.each([
  ["a repeat would do more", async (client: CatapultClient) => client.redeploy({ id: 1n })],
  ["a repeat would say that it is there already", async (client: CatapultClient) => client.createEnvironment({ environment })],
  [
    "its etag is of before the first one",
    async (client: CatapultClient) =>
      client.updateEnvironment({ environment: { ...environment, etag: "a-1" }, updateMask: { paths: ["sites_url"] } }),
  ],
])("a write whose answer was lost is made once if %s", async (_, call) => {
  troubles = [loseAnswer];
  expect(await codeOf(call(connect()))).not.toBe("answered");
  expect(calls).toHaveLength(1);
});

test("what Central calls unavailable with its reason has stored nothing, so that any call is made again; of a proxy's own nobody knows", async () => {
  const own = () => {
    throw reasonError(Code.Unavailable, "unavailable", "not now", { retryAfterMs: 1 });
  };
  troubles = [own, own, own];
  expect(await codeOf(connect().createEnvironment({ environment }))).toBe("answered");
  expect(calls).toHaveLength(4);
  troubles = [own, own, own, own];
  const error = ConnectError.from(
    await connect()
      .createEnvironment({ environment })
      .catch((each: unknown) => each),
  );
  expect([readReason(error), calls.length]).toEqual(["unavailable", 8]);

  const foreign = () => {
    throw new ConnectError("bad gateway", Code.Unavailable);
  };
  troubles = [foreign];
  expect(await codeOf(connect().createEnvironment({ environment }))).toBe("Unavailable");
  expect(calls).toHaveLength(9);
  troubles = [foreign];
  expect(await codeOf(connect().listEnvironments({}))).toBe("answered");
});

test.each([Code.InvalidArgument, Code.PermissionDenied, Code.NotFound, Code.FailedPrecondition, Code.Aborted, Code.Internal])(
  "an answer that a repeat cannot change (code %s) is given at once",
  async (code) => {
    troubles = [
      () => {
        throw new ConnectError("no", code);
      },
    ];
    expect(await codeOf(connect().listEnvironments({}))).toBe(Code[code]);
    expect(calls).toHaveLength(1);
  },
);

test("without a connection no call was sent, so that all are tried again, as often as was said, with the token of the moment", async () => {
  let asked = 0;
  const token = () => `cat_${++asked}`;
  server.proxy.set({ reset: true });
  const client = connect({ url: "https://127.0.0.1:1", retries: 2, token });
  expect(await codeOf(client.redeploy({ id: 1n }))).not.toBe("answered");
  expect(asked).toBe(3);
  server.proxy.set({});
  expect(await codeOf(connect({ token }).redeploy({ id: 1n }))).toBe("answered");
  expect(server.tokens.at(-1)).toBe("cat_4");
});

test("a call has one deadline for all its repeats", async () => {
  const forever = async () => new Promise((resolve) => setTimeout(resolve, 2_000));
  troubles = [loseAnswer, forever, forever];
  expect(await codeOf(connect({ timeoutMs: 800 }).listEnvironments({}))).toBe("DeadlineExceeded");
  expect(calls).toHaveLength(2);
  troubles = [forever];
  expect(await codeOf(connect().listEnvironments({}, { timeoutMs: 200 }))).toBe("DeadlineExceeded");
});

test("a server whose certificate is not of a trusted CA gets no token, and no call goes over http beyond this machine", async () => {
  const before = server.tokens.length;
  const error = ConnectError.from(
    await connect({ ca: undefined, retries: 0 })
      .listEnvironments({})
      .catch((each: unknown) => each),
  );
  expect(error.message).toMatch(/unable to verify|self-signed/);
  expect(server.tokens.length).toBe(before);
  expect(() => connect({ url: "http://central.example.org" })).toThrow("over https");
  expect(await codeOf(connect().listEnvironments({}))).toBe("answered");
});

test("every write is either repeated or is among those that are made once", async () => {
  const { mayRepeat } = await import("#client/may-repeat.ts");
  const { create } = await import("@bufbuild/protobuf");
  const lost = new ConnectError("lost", Code.Unavailable);
  const writes = OperatorService.methods.filter(
    ({ methodKind, idempotency }) => methodKind === "unary" && idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
  );
  const repeated = writes.filter((method) => mayRepeat(method, lost, create(method.input))).map(({ name }) => name);
  // By what the contract promises of a repeat: `A repeat changes nothing`, or it is answered with what is there.
  expect(new Set(repeated)).toEqual(
    new Set([
      "UpdateEnvironment",
      "UpdateWorker",
      "EnableWorker",
      "DisableWorker",
      "DrainWorker",
      "UpdateDeploymentConfig",
      "Approve",
      "SetBuildVariable",
      "DeleteSite",
      "Deploy",
      "Rollback",
      "Cancel",
      "RevokeToken",
    ]),
  );
});
