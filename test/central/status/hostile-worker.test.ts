import { Code, ConnectError } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readReason } from "#common/rpc/reason-error.ts";
import type { ReportStatusRequestSchema } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { watchAround } from "#test/support/watch-around.ts";
import { startFakeWorker, type FakeWorker } from "../support/start-fake-worker.ts";
import {
  addRepository,
  selectDeployments,
  selectSiteState,
  startTestCentral,
  type TestCentral,
} from "../support/start-test-central.ts";

type Report = MessageInitShape<typeof ReportStatusRequestSchema>;

watchAround();

let central: TestCentral;
let honest: FakeWorker;
let other: FakeWorker;
let build: BuildRequest;
let pull: { number: number; headSha: string };
let commits = 0;

beforeAll(async () => {
  central = await startTestCentral();
  honest = central.worker;
  const { pool, secretKey, url } = central;
  // Of the same environment, with keys of its own: nothing but what it was given is its own.
  other = await startFakeWorker({ pool, secretKey, centralUrl: url, id: "worker-other", enabled: false });
  await addRepository(central, "victim");
  await central.forge.pushFiles({ owner: "acme", name: "victim", branch: "change", from: "main", files: { a: "1" } });
  pull = await central.forge.openPullRequest({ owner: "acme", name: "victim", title: "A change", head: "change", base: "main" });
  build = await buildOf(pull.headSha);
});
afterAll(async () => {
  await other.stop();
  await central.stop();
});

async function buildOf(commit: string): Promise<BuildRequest> {
  return eventually(() => {
    const found = honest.builds.findLast((one) => one.commit === commit);
    if (found === undefined) throw new Error(`no build of ${commit}`);
    return found;
  });
}

/** A new commit and its build, so that the tests do not lean on each other. */
async function nextBuild(): Promise<BuildRequest> {
  const files = { "index.html": `version ${++commits}` };
  const { sha } = await central.forge.pushFiles({ owner: "acme", name: "victim", branch: "change", files });
  build = await buildOf(sha);
  return build;
}

const idsOf = ({ siteId, generation, deploymentId }: BuildRequest) => ({ siteId, generation, deploymentId });

const success = (of: BuildRequest) => ({
  ...idsOf(of),
  state: DeploymentState.SUCCEEDED,
  url: of.url,
  release: `${of.generation}-${of.commit.slice(0, 8)}`,
});

/** The reason of the last refusal. */
let refusedFor: string | undefined;

async function refusal(worker: FakeWorker, report: Report): Promise<Code | undefined> {
  return worker.client.reportStatus(report).then(
    () => undefined,
    (error: unknown) => {
      const refused = ConnectError.from(error);
      refusedFor = readReason(refused);
      return refused.code;
    },
  );
}

/** All that a report could change, of every site. */
async function snapshot(): Promise<unknown[]> {
  const queries = [
    "select id, state, generation, live_deployment, worker_id from sites order by id",
    "select id, state, release, lease_expires_at, failure_reason, image_id, finished_at from deployment_history order by id desc limit 3",
    "select deployment_id, line_number, line from deployment_log_lines order by 1, 2 limit 10",
  ];
  return Promise.all(queries.map(async (query) => (await central.pool.query(query)).rows));
}

describe("W1 a worker's report of what is not its own", () => {
  test.each<[string, (of: BuildRequest) => Report]>([
    ["a deployment of another worker", (of) => success(of)],
    ["a deployment of another worker, as running", (of) => ({ ...idsOf(of), state: DeploymentState.BUILDING })],
    [
      "a deployment of another worker, with a log",
      (of) => ({ ...idsOf(of), state: DeploymentState.BUILDING, firstLogLine: 1n, logLines: ["forged"] }),
    ],
    ["the removal of another worker's site", (of) => ({ siteId: of.siteId, generation: of.generation, siteRemoved: true })],
  ])("is refused and changes nothing: %s", async (_, report) => {
    const of = await nextBuild();
    const before = await snapshot();
    const was = report(of);
    expect(await refusal(other, was)).toBe(Code.NotFound);
    expect(refusedFor).toBe(was.siteRemoved === true ? "site_not_found" : "deployment_not_found");
    expect(await snapshot()).toEqual(before);
  });

  test.each<[string, Code, (of: BuildRequest) => Report]>([
    ["another generation", Code.NotFound, (of) => ({ ...success(of), generation: of.generation + 1n })],
    ["another site's id", Code.NotFound, (of) => ({ ...success(of), siteId: of.siteId + 1n })],
    ["another deployment's id", Code.NotFound, (of) => ({ ...success(of), deploymentId: of.deploymentId + 1n })],
    ["a URL of its own", Code.InvalidArgument, (of) => ({ ...success(of), url: "https://evil.example/" })],
    ["a state that no worker reports", Code.InvalidArgument, (of) => ({ ...idsOf(of), state: DeploymentState.HELD })],
    ["input 51 a negative generation", Code.InvalidArgument, (of) => ({ ...success(of), generation: -1n })],
  ])("is refused and changes nothing: %s", async (_, code, report) => {
    const of = await nextBuild();
    const before = await snapshot();
    expect(await refusal(honest, report(of))).toBe(code);
    expect(refusedFor).toBe(code === Code.NotFound ? "deployment_not_found" : "invalid_field");
    expect(await snapshot()).toEqual(before);
  });

  test("does not end a site that is wanted", async () => {
    const of = await nextBuild();
    expect(await refusal(honest, success(of))).toBeUndefined();
    await refusal(honest, { siteId: of.siteId, generation: of.generation, siteRemoved: true });
    expect(await selectSiteState(central.pool, of.host)).toBe("wanted");
  });

  test("does nothing once its lease has ended or a newer commit took its place", async () => {
    const older = await nextBuild();
    const newer = await nextBuild();
    expect(await honest.client.reportStatus({ ...idsOf(older), state: DeploymentState.BUILDING })).toMatchObject({
      cancel: true,
    });
    await central.pool.query(
      "update deployment_history set state = 'lost', lease_expires_at = null, finished_at = now() where id = $1",
      [newer.deploymentId],
    );
    const before = await snapshot();
    expect(await refusal(honest, success(newer))).toBe(Code.FailedPrecondition);
    expect(refusedFor).toBe("lease_lost");
    expect(await snapshot()).toEqual(before);
  });

  test("does not change a result once it is reported", async () => {
    const of = await nextBuild();
    expect(await refusal(honest, success(of))).toBeUndefined();
    const failure = { stage: Stage.BUILD, reason: "command_failed", message: "changed my mind" };
    await refusal(honest, { ...idsOf(of), state: DeploymentState.FAILED, failure });
    const rows = await selectDeployments(central.pool, of.host);
    expect(rows.at(-1)).toMatchObject({ state: "succeeded", failureReason: null });
  });
});

describe("W3 a worker's hostile text", () => {
  const failed = (of: BuildRequest, changes: { reason?: string; message?: string; stage?: Stage } = {}): Report => ({
    ...idsOf(of),
    state: DeploymentState.FAILED,
    failure: { stage: Stage.BUILD, reason: "command_failed", message: "x", ...changes },
  });
  test.each<[string, (of: BuildRequest) => Report]>([
    [
      "a line of 4,001 characters",
      (of) => ({ ...idsOf(of), state: DeploymentState.BUILDING, firstLogLine: 1n, logLines: ["x".repeat(4_001)] }),
    ],
    [
      "1,001 lines",
      (of) => ({
        ...idsOf(of),
        state: DeploymentState.BUILDING,
        firstLogLine: 1n,
        logLines: Array.from({ length: 1_001 }, () => "x"),
      }),
    ],
    ["lines without a number", (of) => ({ ...idsOf(of), state: DeploymentState.BUILDING, logLines: ["x"] })],
    ["a message of 4,001 characters", (of) => failed(of, { message: "x".repeat(4_001) })],
    ["a reason that is markdown", (of) => failed(of, { reason: "`**[x](y)**`" })],
    ["a reason with a newline after it", (of) => failed(of, { reason: "command_failed\n" })],
    ["no stage", (of) => failed(of, { stage: Stage.UNSPECIFIED })],
    ["a release that is a path", (of) => ({ ...success(of), release: "../../x" })],
    ["an image that is none", (of) => ({ ...success(of), imageId: "<img>" })],
  ])("is refused where it has no business: %s", async (_, report) => {
    const of = await nextBuild();
    const before = await snapshot();
    expect(await refusal(honest, report(of))).toBe(Code.InvalidArgument);
    expect(await snapshot()).toEqual(before);
  });

  test("is kept to 60,000 lines of a deployment", async () => {
    const of = await nextBuild();
    for (const firstLogLine of [1n, 59_500n, 70_000n, 9_000_000_000_000_000_000n]) {
      const logLines = Array.from({ length: 1_000 }, () => "x");
      await honest.client.reportStatus({ ...idsOf(of), state: DeploymentState.BUILDING, firstLogLine, logLines });
    }
    const { rows } = await central.pool.query<{ lines: bigint; last: bigint }>(
      "select count(*) as lines, max(line_number) as last from deployment_log_lines where deployment_id = $1",
      [of.deploymentId],
    );
    expect(rows[0]).toEqual({ lines: 1_501n, last: 60_000n });
  });

  test("is cut at its rate: a flood of reports is refused, and the worker beside it is heard", async () => {
    const of = await nextBuild();
    const report = { ...idsOf(of), state: DeploymentState.BUILDING };
    const codes: (Code | undefined)[] = [];
    // Of what is not its own, which costs Central least.
    const flood = { siteId: 1n, generation: 1n, siteRemoved: true };
    for (let round = 0; round < 40 && !codes.includes(Code.ResourceExhausted); round++)
      codes.push(...(await Promise.all(Array.from({ length: 50 }, () => refusal(other, flood)))));
    expect(codes).toContain(Code.ResourceExhausted);
    expect(await refusal(honest, report)).toBeUndefined();
  });
});
