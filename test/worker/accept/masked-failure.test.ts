import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { ReportStatusResponseSchema, type ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState, SiteKind, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { BuildRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { runDeployment } from "#worker/accept/run-deployment.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";
import { PublishError } from "#worker/publish/publish-error.ts";
import { printName } from "#worker/publish/print-name.ts";

const token = "ghs_s3cr3tToken0123456789";
const variable = "s3cr3t vérÿ/secret?&value";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-masked-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** Runs a deployment whose clone fails with `error`, and gives all that was reported and kept of it. */
async function fail(reason: Error): Promise<{ reports: ReportStatusRequest[]; kept: string }> {
  const store = await openSiteStore(join(folder, "state"));
  const common = { siteId: 7n, generation: 1n, host: "h.one.test" };
  await store.withLock(7n, async () => store.put({ ...common, kind: "preview", newestMtime: 0, changedAt: Date.now() }));
  const reports: ReportStatusRequest[] = [];
  const behind: Promise<unknown>[] = [];
  const request = create(BuildRequestSchema, {
    ...common,
    deploymentId: 3n,
    kind: SiteKind.PREVIEW,
    commit: "a".repeat(40),
    cloneToken: token,
    trust: Trust.REPOSITORY,
    variables: [{ name: "SECRET", value: variable }],
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it fails before it needs the rest
  const dependencies = {
    store,
    sitesDir: join(folder, "www"),
    log: createLogger({ name: "test", level: "silent" }),
    background: (work: Promise<void>) => void behind.push(work),
    clone: async () => Promise.reject(reason),
    async send(report: ReportStatusRequest) {
      reports.push(report);
      const last = report.firstLogLine + BigInt(report.logLines.length) - 1n;
      return create(ReportStatusResponseSchema, { acknowledgedLogLine: last > 0n ? last : 0n });
    },
  } as unknown as Parameters<typeof runDeployment>[0];
  await runDeployment(dependencies, request, new AbortController());
  await Promise.all(behind);
  const files = await readdir(join(folder, "state"), { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile()).map(async (file) => readFile(join(file.parentPath, file.name), "utf8"));
  return { reports, kept: (await Promise.all(texts)).join("\n") };
}

test.each([
  ["the clone's token", `could not read ${token} and x-access-token:${token}`],
  ["the token as git's header has it", `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`],
  ["a variable in a file's name", `refused: ${printName(`dir/${variable}`)}`],
  ["a variable that an escape sequence tears apart", variable.replace("secret?", "sec\u001B[31mret?")],
  ["a variable over two lines", `${variable.slice(0, 9)}\n${variable.slice(9)}`],
  ["a variable where the message is cut", `${"x".repeat(3_985)}${variable}${variable}`],
  ["a variable in a URL", `GET https://api.test/?q=${encodeURIComponent(variable)}`],
])("%s reaches neither a report nor the disk by a failure's message", async (_, message) => {
  const { reports, kept } = await fail(new PublishError("output_refused", message));
  expect(reports.at(-1)).toMatchObject({ state: DeploymentState.FAILED, failure: { reason: "output_refused" } });
  const told = [reports.at(-1)!.failure!.message, ...reports.flatMap((report) => report.logLines), kept].join("\n");
  expect(told).toContain("***");
  const secret = /s3cr3t|czNjcjN0|MzY3IzdF|zM2NyM3R|secret/i;
  expect(told).not.toMatch(secret);
  expect(kept).toContain("output_refused");
});
