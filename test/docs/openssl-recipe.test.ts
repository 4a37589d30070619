import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createWorker } from "#central/operator/create-worker.ts";
import { startCentral } from "#central/main.ts";
import { createReleasers } from "#common/lifecycle.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { createMemoryNonceStore } from "#common/rpc/nonces.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { centralSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { Outcome, WorkerService, type BuildRequest, type CleanupRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startTestCentral } from "#test/central/support/start-test-central.ts";
import { log } from "#test/central/support/test-log.ts";
import { root } from "#test/contract/run-buf.ts";

const id = "by-hand";
let recipe: string;
let env: Record<string, string>;
const taken: (BuildRequest | CleanupRequest)[] = [];
const releasers = createReleasers(log);

beforeAll(async () => {
  recipe = await readRecipe();
  const folder = await mkdtemp(join(tmpdir(), "catapult-recipe-"));
  releasers.push("folder", () => rm(folder, { recursive: true }));
  const files = await createCertificates({ directory: folder, hosts: ["127.0.0.1"] });
  const tls = { cert: await readFile(files.certFile, "utf8"), key: await readFile(files.keyFile, "utf8") };
  const central = await startTestCentral({ worker: false });
  releasers.push("Central", () => central.stop());
  const secure = await startCentral({ ...central.config, tls }, log, releasers);
  const worker = create(WorkerSchema, { id, environment: "one", endpoint: "https://127.0.0.1:1" });
  const { keyFile } = await createWorker(central.pool, central.secretKey, worker);
  const keys = parseWorkerKeyFile(keyFile);
  await writeFile(join(folder, "worker.json"), `${keyFile}\n`);
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls,
    routes(router) {
      const take = (request: BuildRequest | CleanupRequest) => {
        taken.push(request);
        return { outcome: Outcome.ACCEPTED };
      };
      router.service(WorkerService, { build: take, cleanup: take });
    },
    signatures: {
      header: centralSignatureHeader,
      recipient: id,
      findKey: async (kid) => {
        const found = keys.verify.find((key) => key.kid === kid);
        return found === undefined ? undefined : { key: found.key, caller: "central" };
      },
      nonces: createMemoryNonceStore(),
    },
    log,
  });
  releasers.push("worker", () => server.stop());
  env = {
    PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
    CATAPULT_WORKER_URL: server.url,
    CATAPULT_CENTRAL_URL: secure.url,
    CATAPULT_CA_FILE: files.caFile,
    WORKER_ID: id,
    WORKER_KEY_FILE: join(folder, "worker.json"),
  };
});
afterAll(async () => releasers.runAll());
beforeEach(() => {
  taken.length = 0;
});

async function readRecipe(): Promise<string> {
  const blocks = (await readFile(join(root, "README.md"), "utf8")).matchAll(/```sh\n([\s\S]*?)```/g);
  const found = [...blocks].map(([, block = ""]) => block).filter((block) => block.includes("openssl dgst"));
  expect(found).toHaveLength(1);
  return found[0] ?? "";
}

/** Runs the README's lines, with what else is set in place of its own values. */
async function run(values: Record<string, string> = {}, text = recipe): Promise<string> {
  const script = Object.entries(values).reduce((lines, [name, value]) => {
    const pattern = new RegExp(`(?<=^| )${name}=('[^']*'|\\S+)`, "m");
    expect(lines).toMatch(pattern);
    return lines.replace(pattern, () => `${name}='${value}'`);
  }, text);
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: root, env });
  return stdout;
}

test("the README's lines for curl and openssl have a Cleanup taken, word for word", async () => {
  expect(JSON.parse(await run())).toEqual({ outcome: "OUTCOME_ACCEPTED" });
  expect(taken).toMatchObject([{ siteId: 999_999_999n, generation: 1n, host: "nowhere.catapult.localhost" }]);
});

test("they sign a Build with its own method and message", async () => {
  const data = JSON.stringify({
    siteId: "7",
    generation: "2",
    deploymentId: "9",
    host: "www.example.org",
    kind: "SITE_KIND_PRODUCTION",
    repositoryId: "5",
    repository: "acme/site",
    commit: "a".repeat(40),
    branch: "möwe",
    url: "https://www.example.org",
    trust: "TRUST_REPOSITORY",
    cloneToken: "t",
  });
  const answer = await run({ method: "catapult.v1.WorkerService/Build", message: "catapult.v1.BuildRequest", data });
  expect(JSON.parse(answer)).toEqual({ outcome: "OUTCOME_ACCEPTED" });
  expect(taken).toMatchObject([{ siteId: 7n, branch: "möwe" }]);
});

test("with what the README says of ReportStatus, Central itself takes the report for its worker's", async () => {
  const values = {
    method: "catapult.v1.CentralService/ReportStatus",
    message: "catapult.v1.ReportStatusRequest",
    header: "X-Worker-Signature",
    recipient: "central",
    keys: "sign",
    data: '{"siteId":"1","generation":"2","siteRemoved":true}',
  };
  const signed = recipe.replace("url=$CATAPULT_WORKER_URL", "url=$CATAPULT_CENTRAL_URL");
  expect(signed).not.toBe(recipe);
  const readme = await readFile(join(root, "README.md"), "utf8");
  for (const said of ["url=$CATAPULT_CENTRAL_URL", "header=X-Worker-Signature", "recipient=central", "keys=sign"])
    expect(readme).toContain(`\`${said}\``);
  expect(JSON.parse(await run(values, signed))).toMatchObject({ code: "not_found" });
  // The other direction's key signs nothing for Central.
  expect(JSON.parse(await run({ ...values, keys: "verify" }, signed))).toMatchObject({ code: "unauthenticated" });
});

test("another body than the one that was signed is refused", async () => {
  const changed = recipe.replace('-d "$data"', `-d '{"siteId":"1","generation":"1","host":"other.example.org"}'`);
  expect(changed).not.toBe(recipe);
  expect(JSON.parse(await run({}, changed))).toMatchObject({ code: "unauthenticated" });
  expect(taken).toEqual([]);
});
