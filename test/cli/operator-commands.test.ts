import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startOperatorServer, type OperatorServer } from "#test/central/operator/start-operator-server.ts";
import { runCatapult } from "./run-catapult.ts";

let server: OperatorServer;
let folder: string;
beforeAll(async () => {
  server = await startOperatorServer();
  server.github.repositories.set("acme/site", 7);
  folder = await mkdtemp(path.join(tmpdir(), "catapult-cli-"));
  const environment = { name: "base", domainSuffixes: ["base.example.org"], sitesUrl: "https://{host}" };
  await server.client.createEnvironment({ environment });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(words: readonly string[], env: Record<string, string> = {}) {
  return runCatapult(words, { env: { CATAPULT_CENTRAL_URL: server.url, CATAPULT_TOKEN: server.token, ...env } });
}

test("environments are added, listed as a table and as JSON, and removed", async () => {
  const added = await run([
    "environments",
    "add",
    "north",
    "--suffix",
    "north.example.org",
    "n.example.net",
    "--sites-url",
    "http://{host}:8081",
  ]);
  expect([added.code, added.err]).toEqual([0, ""]);
  const table = (await run(["environments", "list"])).out.split("\n");
  expect(table[0]).toMatch(/^NAME +SUFFIXES +SITES' URL$/);
  expect(table[2]).toMatch(/^north +north\.example\.org, n\.example\.net +http:\/\/\{host\}:8081$/);
  expect(JSON.parse((await run(["environments", "list", "--json"])).out)).toContainEqual(
    expect.objectContaining({ name: "north", domainSuffixes: ["north.example.org", "n.example.net"] }),
  );
  expect((await run(["environments", "remove", "north"])).code).toBe(0);
  const again = await run(["environments", "remove", "north"]);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("not_found")]);
});

test("a worker's key file is written for its owner alone, and never over another", async () => {
  const keyFile = path.join(folder, "worker key.json");
  const words = ["workers", "add", "w1", "--environment", "base", "--endpoint", "https://w.example.org", "--key-file", keyFile];
  const added = await run(words);
  expect([added.code, added.err]).toEqual([0, ""]);
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const text = await readFile(keyFile, "utf8");
  expect(parseWorkerKeyFile(text).worker).toBe("w1");
  expect(added.out).not.toContain(parseWorkerKeyFile(text).sign.key.toString("base64url"));
  const again = await run(words);
  expect([again.code, again.err]).toEqual([2, expect.stringContaining("not overwritten")]);
  expect(await readFile(keyFile, "utf8")).toBe(text);
});

test("a worker that is refused leaves no key file", async () => {
  const keyFile = path.join(folder, "refused.json");
  const words = [
    "workers",
    "add",
    "w2",
    "--environment",
    "nowhere",
    "--endpoint",
    "https://w.example.org",
    "--key-file",
    keyFile,
  ];
  const refused = await run(words);
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("--environment: there is no environment nowhere")]);
  await expect(stat(keyFile)).rejects.toThrow("ENOENT");
});

test("without --key-file the key file is all that is printed, ready for WORKER_KEY", async () => {
  const added = await run(["workers", "add", "w3", "--environment", "base", "--endpoint", "https://w.example.org", "--disabled"]);
  expect(parseWorkerKeyFile(added.out).worker).toBe("w3");
  expect((await run(["workers", "list"])).out).toMatch(/^w3 +base +https:\/\/w\.example\.org +no +never$/m);
  expect((await run(["workers", "remove", "w3"])).code).toBe(0);
});

test("a config is added, listed, planned with the changes that are named to what is stored of it, and removed; then its plan is a new one's", async () => {
  const added = await run([
    "configs",
    "add",
    "acme/site",
    "--environment",
    "base",
    "--domain",
    "base.example.org",
    "--subdomain",
    "www",
  ]);
  expect(added.out).toBe("acme/site goes to https://www.base.example.org, its pull requests to pr-<n>-site.base.example.org.\n");
  const list = await run(["configs", "list"]);
  expect(list.out).toMatch(
    /^acme\/site +base +https:\/\/www\.base\.example\.org +pr-<n>-site\.base\.example\.org +auto +approve +yes$/m,
  );
  const planned = await run(["configs", "plan", "acme/site", "--environment", "base", "--domain", "x.base.example.org"]);
  expect(planned.out).toMatch(/^production url +https:\/\/www\.x\.base\.example\.org$/m);
  const removed = await run(["configs", "remove", "acme/site", "--delete-sites"]);
  expect(removed.out).toBe("The deployment config of acme/site is gone.\n");
  expect(await run(["configs", "list"])).toEqual({ code: 0, out: "", err: "There are no deployment configs.\n" });
  const fresh = await run(["configs", "plan", "acme/site", "--environment", "base", "--domain", "x.base.example.org"]);
  expect(fresh.out).toMatch(/^production url +https:\/\/x\.base\.example\.org$/m);
  const half = await run(["configs", "plan", "acme/site", "--domain", "x.base.example.org"]);
  expect([half.code, half.err]).toEqual([1, expect.stringContaining("not_found")]);
});

test("every bad value is named with its option, without a stack, and nothing is stored", async () => {
  const words = ["configs", "add", "acme/site", "--environment", "base", "--domain", "*.example.org", "--output-dir", "../"];
  const { code, out, err } = await run(words);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("invalid_argument");
  expect(err).toContain("  --domain: must not contain *");
  expect(err).toContain("  --output-dir: must not contain ..");
  expect(err).not.toContain("    at ");
  expect((await server.client.listDeploymentConfigs({})).deploymentConfigs).toEqual([]);
});

test("a name of the wrong form is answered with what is allowed, in words", async () => {
  const { code, err } = await run(["environments", "add", "Bad_Name", "--suffix", "x.example.org"]);
  expect(code).toBe(2);
  expect(err).toContain("  <name>: expected 1 to 32 of a-z, 0-9 and hyphen");
  expect(err).not.toContain("regex");
});

test.each(["site", "a/b/c", "/site", "a/"])("%j is not taken for a repository", async (repository) => {
  const { code, err } = await run(["configs", "remove", repository]);
  expect([code, err]).toEqual([2, expect.stringContaining("acme/site")]);
});

test("a wrong token and a read token each get their own advice", async () => {
  const wrong = await run(["configs", "list"], { CATAPULT_TOKEN: "cat_wrong" });
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("CATAPULT_TOKEN")]);
  const read = await run(["environments", "remove", "base"], { CATAPULT_TOKEN: server.readToken });
  expect([read.code, read.err]).toEqual([1, expect.stringContaining("scope write")]);
});

test("a Central that cannot be reached: what was attempted, where, what came back and what to do", async () => {
  const { code, err } = await run(["configs", "list"], { CATAPULT_CENTRAL_URL: "http://127.0.0.1:1" });
  expect(code).toBe(1);
  for (const part of ["list the deployment configs", "http://127.0.0.1:1", "ECONNREFUSED", "CATAPULT_CENTRAL_URL"]) {
    expect(err).toContain(part);
  }
});

test("a token is not sent in the clear beyond this machine", async () => {
  const { code, err } = await run(["configs", "list"], { CATAPULT_CENTRAL_URL: "http://central.example.org" });
  expect([code, err]).toEqual([2, expect.stringContaining("loopback")]);
});

test("a certificate of an unknown CA leads to CATAPULT_CA_FILE, and with that the call gets through", async () => {
  const { certFile, keyFile, caFile } = await createCertificates({ directory: path.join(folder, "tls"), hosts: ["127.0.0.1"] });
  const tls = { cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
  const log = createLogger({ name: "test", level: "silent" });
  const secure = await startRpcServer({ listen: { host: "127.0.0.1", port: 0 }, tls, routes: () => undefined, log });
  const refused = await run(["configs", "list"], { CATAPULT_CENTRAL_URL: secure.url });
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("set CATAPULT_CA_FILE")]);
  const trusted = await run(["configs", "list"], { CATAPULT_CENTRAL_URL: secure.url, CATAPULT_CA_FILE: caFile });
  expect(trusted.err).toContain("knows no such call");
  const missing = await run(["configs", "list"], { CATAPULT_CENTRAL_URL: secure.url, CATAPULT_CA_FILE: "/nowhere" });
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining("CATAPULT_CA_FILE: the file /nowhere")]);
  await secure.stop(0);
});

test("the token may come from a file", async () => {
  const file = path.join(folder, "token");
  await writeFile(file, `${server.token}\n`);
  const { code } = await runCatapult(["configs", "list"], {
    env: { CATAPULT_CENTRAL_URL: server.url, CATAPULT_TOKEN_FILE: file },
  });
  expect(code).toBe(0);
});
