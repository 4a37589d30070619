import { Code, ConnectError, type Client } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createToken } from "#central/operator/tokens.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { runCatapult } from "#test/cli/run-catapult.ts";
import { selectDeployments, startTestCentral, type TestCentral } from "#test/central/support/start-test-central.ts";
import { eventually } from "#test/support/eventually.ts";
import { openForkPullRequest, selectApprovals } from "./held-fork.ts";

type Operator = Client<typeof OperatorService> & { close(): void };

let central: TestCentral;
let token: string;
let writer: Operator;
let reader: Operator;
beforeAll(async () => {
  central = await startTestCentral();
  token = await createToken(central.pool, { name: "release-team", scope: "write" });
  writer = connect(token);
  reader = connect(await createToken(central.pool, { name: "onlooker", scope: "read" }));
});
afterAll(async () => {
  writer.close();
  reader.close();
  await central.stop();
});

function connect(bearer: string): Operator {
  return createServiceClient(OperatorService, { url: central.url, interceptors: [createBearerInterceptor(bearer)], retries: 0 });
}

const states = async (host: string) => (await selectDeployments(central.pool, host)).map((row) => row.state);
const held = async (name: string) => {
  const pull = await openForkPullRequest(central, name);
  await eventually(async () => expect(await states(pull.host)).toEqual(["held"]));
  return { ...pull, request: { githubOrg: "acme", githubRepo: name, pullRequest: BigInt(pull.number), commit: pull.sha } };
};

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => ConnectError.from(error),
  );
}

test("a write token approves, its name is recorded and shown, and again it is the same deployment", async () => {
  const pull = await held("tokens");
  const first = await writer.approve(pull.request);
  const [row] = await selectDeployments(central.pool, pull.host);
  expect(first.deploymentId).toBe(row?.id);
  expect(await selectApprovals(central, pull.host)).toEqual([{ commit: pull.sha, kind: "token", approver: "release-team" }]);
  await eventually(() => expect(central.worker.builds.filter((one) => one.commit === pull.sha)).toHaveLength(1));
  await eventually(async () => expect((await pull.ours())[0]?.body).toContain("approved by the token ` release-team `"));
  expect(await writer.approve({ ...pull.request, githubOrg: "ACME" })).toEqual(first);
  expect(await states(pull.host)).toEqual(["dispatched"]);
});

test("twenty approvals at once are one build", async () => {
  const pull = await held("at-once");
  const answers = await Promise.all(Array.from({ length: 20 }, async () => writer.approve(pull.request)));
  expect(new Set(answers.map((answer) => answer.deploymentId)).size).toBe(1);
  // The state is stored before the worker is called.
  await eventually(() => expect(central.worker.builds.some((one) => one.commit === pull.sha)).toBe(true));
  expect(await states(pull.host)).toEqual(["dispatched"]);
  expect(central.worker.builds.filter((one) => one.commit === pull.sha)).toHaveLength(1);
});

test("an approval that comes before the pull request's own delivery is used for it", async () => {
  central.forge.setWebhookUrl(undefined);
  const pull = await openForkPullRequest(central, "early");
  const request = { githubOrg: "acme", githubRepo: "early", pullRequest: BigInt(pull.number), commit: pull.sha };
  central.forge.setWebhookUrl(`${central.url}/webhook/github`);
  await writer.approve(request);
  await eventually(async () =>
    expect(await selectDeployments(central.pool, pull.host)).toMatchObject([{ state: "dispatched", trust: "fork" }]),
  );
});

describe("refused, with nothing recorded:", () => {
  let pull: Awaited<ReturnType<typeof held>>;
  beforeAll(async () => {
    pull = await held("refusing");
  });

  test.each([
    ["another commit", { commit: "d".repeat(40) }, Code.FailedPrecondition, "the pull request's head is"],
    ["a pull request that is not there", { pullRequest: 999n }, Code.NotFound, "no such pull request"],
    ["a repository without a config", { githubRepo: "nowhere" }, Code.NotFound, "no deployment config of acme/nowhere"],
    ["a short id", { commit: "abcdef1" }, Code.InvalidArgument, "commit"],
    ["an id in upper case", { commit: "D".repeat(40) }, Code.InvalidArgument, "commit"],
    ["a name with NUL", { githubRepo: "a\0b" }, Code.NotFound, "no deployment config"],
  ])("%s", async (_name, changes, code, text) => {
    const error = await refusal(writer.approve({ ...pull.request, ...changes }));
    expect(error).toMatchObject({ code, rawMessage: expect.stringContaining(text) });
    expect(await selectApprovals(central, pull.host)).toEqual([]);
    expect(await states(pull.host)).toEqual(["held"]);
  });

  test("a read token", async () => {
    expect((await refusal(reader.approve(pull.request))).code).toBe(Code.PermissionDenied);
    expect(await states(pull.host)).toEqual(["held"]);
  });

  test("a pull request of the repository's own branch", async () => {
    await central.forge.pushFiles({ owner: "acme", name: "refusing", branch: "own", from: "main", files: { a: "1" } });
    const own = await central.forge.openPullRequest({ owner: "acme", name: "refusing", title: "y", head: "own", base: "main" });
    const error = await refusal(writer.approve({ ...pull.request, pullRequest: BigInt(own.number), commit: own.headSha }));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, rawMessage: expect.stringContaining("not from a fork") });
  });

  test("while GitHub does not say what the head is: unavailable", async () => {
    // Until the call was answered: Central reads pull requests for others too.
    const end = central.forge.setFault({ kind: "answer", status: 502, method: "GET", path: /\/pulls\/\d+$/ });
    const error = await refusal(writer.approve(pull.request)).finally(end);
    expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining("nothing was approved") });
    expect(await selectApprovals(central, pull.host)).toEqual([]);
  });
});

describe("catapult approve", () => {
  const run = async (words: readonly string[]) =>
    runCatapult(["approve", ...words], { env: { CATAPULT_CENTRAL_URL: central.url, CATAPULT_TOKEN: token } });

  test("approves and names the deployment, as text and as JSON", async () => {
    const pull = await held("by-command");
    const words = ["acme/by-command", String(pull.number), pull.sha];
    const first = await run(words);
    const [row] = await selectDeployments(central.pool, pull.host);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toBe(
      `${pull.sha} is approved for pull request ${pull.number} of acme/by-command: deployment ${row?.id}.\n`,
    );
    const again = await run([...words, "--json"]);
    expect(JSON.parse(again.out)).toEqual({ deploymentId: String(row?.id) });
    const moved = await run(["acme/by-command", `#${pull.number}`, "d".repeat(40)]);
    expect([moved.code, moved.err]).toEqual([1, expect.stringContaining(`the pull request's head is ${pull.sha} now`)]);
  });

  test.each([
    [["acme", "1", "d".repeat(40)], "acme/site"],
    [["acme/site", "one", "d".repeat(40)], "<pull request>"],
    [["acme/site", "0", "d".repeat(40)], "<pull request>"],
    [["acme/site", "1", "abcdef1"], "40 hexadecimal digits"],
    [["acme/site", "1", "HEAD"], "40 hexadecimal digits"],
    [["acme/site", "1"], "missing required argument 'sha'"],
  ])("%j is refused before anything is asked", async (words, hint) => {
    const { code, err } = await run(words);
    expect([code, err]).toEqual([2, expect.stringContaining(hint)]);
  });
});
