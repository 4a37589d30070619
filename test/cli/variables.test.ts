import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecret } from "#central/database/seal.ts";
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
  await server.client.createDeploymentConfig({
    deploymentConfig: { githubOrg: "acme", githubRepo: "site", environment: "base", domain: "base.example.org" },
  });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(words: readonly string[], input?: string) {
  const env = { CATAPULT_CENTRAL_URL: server.url, CATAPULT_TOKEN: server.token };
  return runCatapult(["configs", "variables", ...words], { env, ...(input === undefined ? {} : { input }) });
}

async function storedValue(name: string): Promise<string> {
  const { rows } = await server.pool.query<{ sealed: Buffer }>(
    "select value_sealed as sealed from build_variables where name = $1",
    [name],
  );
  return openSecret(server.secretKey, rows[0]!.sealed).toString();
}

test("a variable is set from standard input or a file, listed by name and removed; its value is in no output", async () => {
  const piped = await run(["set", "acme/site", "API_TOKEN"], "s3cr3t-one\n");
  expect([piped.code, piped.err]).toEqual([0, ""]);
  expect(await storedValue("API_TOKEN")).toBe("s3cr3t-one");
  const file = path.join(folder, "key.pem");
  await writeFile(file, "s3cr3t\nof lines\n\n");
  const filed = await run(["set", "ACME/site", "DEPLOY_KEY", "--value-file", file, "--json"]);
  expect([filed.code, JSON.parse(filed.out)]).toEqual([0, { name: "DEPLOY_KEY" }]);
  expect(await storedValue("DEPLOY_KEY")).toBe("s3cr3t\nof lines\n");
  const listed = await run(["list", "acme/site"]);
  expect(listed.out).toBe("API_TOKEN\nDEPLOY_KEY\n");
  expect(JSON.parse((await run(["list", "acme/site", "--json"])).out)).toEqual([{ name: "API_TOKEN" }, { name: "DEPLOY_KEY" }]);
  for (const { out, err } of [piped, filed, listed]) expect(out + err).not.toContain("s3cr3t");
  expect((await run(["remove", "acme/site", "API_TOKEN"])).code).toBe(0);
  expect((await run(["list", "acme/site"])).out).toBe("DEPLOY_KEY\n");
  const again = await run(["remove", "acme/site", "API_TOKEN"]);
  expect([again.code, again.err]).toEqual([1, expect.stringContaining("not_found")]);
});

test("a value as an argument is refused, and so are a bad name and a short value, with a word on why", async () => {
  const argument = await run(["set", "acme/site", "TOKEN", "s3cr3t-one"]);
  expect(argument.code).toBe(2);
  const name = await run(["set", "acme/site", "LD_PRELOAD"], "s3cr3t-one");
  expect([name.code, name.err]).toEqual([2, expect.stringContaining("<NAME>: must not begin with LD_")]);
  const short = await run(["set", "acme/site", "TOKEN"], "abc\n");
  expect([short.code, short.err]).toEqual([2, expect.stringContaining("the value: must have at least 8 characters")]);
  const missing = await run(["set", "acme/site", "TOKEN", "--value-file", path.join(folder, "none")]);
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining("--value-file")]);
});

test("the help says where the value comes from and who gets it", async () => {
  expect((await run(["set", "--help"])).out).toMatch(/standard input[\s\S]*--value-file/);
  expect((await run(["--help"])).out).toMatch(/never\s+those of forks/);
});
