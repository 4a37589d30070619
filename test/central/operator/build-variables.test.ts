import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSecret } from "#central/database/seal.ts";
import { startOperatorServer, type OperatorServer } from "./start-operator-server.ts";

const site = { githubOrg: "Acme", githubRepo: "site" };
let server: OperatorServer;
beforeAll(async () => {
  server = await startOperatorServer();
  await server.client.createEnvironment({
    environment: { name: "one", domainSuffixes: ["one.example.org"], sitesUrl: "https://{host}" },
  });
  for (const [index, name] of ["site", "other", "full"].entries()) {
    server.github.repositories.set(`Acme/${name}`, index + 1);
    await server.client.createDeploymentConfig({
      deploymentConfig: { githubOrg: "Acme", githubRepo: name, environment: "one", domain: `${name}.one.example.org` },
    });
  }
});
afterAll(async () => server.stop());

async function namesOf(repo: string): Promise<string[]> {
  const { deploymentConfigs } = await server.client.listDeploymentConfigs({});
  return deploymentConfigs.find((config) => config.githubRepo === repo)!.buildVariableNames;
}

async function stored(): Promise<{ name: string; sealed: Buffer }[]> {
  const { rows } = await server.pool.query("select name, value_sealed as sealed from build_variables order by config_id, name");
  return rows;
}

/** The error of a call, and that it stored nothing. */
async function refusal(call: () => Promise<unknown>): Promise<ConnectError> {
  const before = await stored();
  const error = await call().then(
    () => undefined,
    (caught: unknown) => ConnectError.from(caught),
  );
  expect(await stored()).toEqual(before);
  if (error === undefined) throw new Error("the call was not refused");
  return error;
}

test("a variable is stored sealed, listed by its name alone, replaced when it is set again, and gone when it is removed", async () => {
  const set = async (value: string) => server.client.setBuildVariable({ ...site, variable: { name: "API_TOKEN", value } });
  await set("first-value-1");
  await set("second\nvalue-2");
  const rows = await stored();
  expect(rows.map((row) => row.name)).toEqual(["API_TOKEN"]);
  expect(rows[0]!.sealed.includes("value")).toBe(false);
  expect(openSecret(server.secretKey, rows[0]!.sealed).toString()).toBe("second\nvalue-2");
  expect(await namesOf("site")).toEqual(["API_TOKEN"]);
  expect(await namesOf("other")).toEqual([]);
  expect(
    JSON.stringify(await server.client.listDeploymentConfigs({}), (_, item: unknown) =>
      typeof item === "bigint" ? `${item}` : item,
    ),
  ).not.toContain("value-2");
  await server.client.deleteBuildVariable({ ...site, name: "API_TOKEN" });
  expect(await namesOf("site")).toEqual([]);
  expect((await refusal(async () => server.client.deleteBuildVariable({ ...site, name: "API_TOKEN" }))).code).toBe(Code.NotFound);
});

test.each([
  "LD_PRELOAD",
  "ld_library_path",
  "GIT_SSH_COMMAND",
  "GIT_CONFIG_COUNT",
  "NIX_CONFIG",
  "NODE_OPTIONS",
  "PATH",
  "HOME",
  "SHELL",
  "BASH_ENV",
  "BASH_FUNC_ls",
  "ENV",
  "IFS",
  "npm_config_script_shell",
  "NPM_CONFIG_NODE_OPTIONS",
  "CATAPULT_URL",
  "catapult_variables",
  "CI",
  "https_proxy",
  "ALL_PROXY",
  "NODE_EXTRA_CA_CERTS",
  "GCONV_PATH",
  "PYTHONPATH",
])("input 41 the name %s is refused by its field, and nothing is stored", async (name) => {
  const error = await refusal(async () => server.client.setBuildVariable({ ...site, variable: { name, value: "some-value-1" } }));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(error.rawMessage).toMatch(/^variable\.name: /);
});

test.each(["A\nB", "A\n", "", "1A", "A B", "A=B", "Ä", "A\0", "A".repeat(129)])("input 41 %j is no name", async (name) => {
  const error = await refusal(async () => server.client.setBuildVariable({ ...site, variable: { name, value: "some-value-1" } }));
  expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, expect.stringContaining("variable.name")]);
});

test.each([
  ["a NUL", "some\0value-1"],
  ["an escape", "some\u001Bvalue-1"],
  ["few characters", "a b c d"],
  ["nothing", ""],
  ["33 kB", "v".repeat(33_000)],
])("a value with %s is refused, and no answer holds it", async (_, value) => {
  const error = await refusal(async () => server.client.setBuildVariable({ ...site, variable: { name: "GOOD", value } }));
  expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, expect.stringContaining("variable.value")]);
  expect(error.message).not.toContain(value || "no value");
});

test("names such as frameworks and registries use are good", async () => {
  const names = [
    "API_PROXY",
    "NODE_ENV",
    "NPM_TOKEN",
    "PUBLIC_KEY",
    "VITE_API_URL",
    "YARN_NPM_AUTH_TOKEN",
    "_private",
    "sentry_dsn",
  ];
  for (const name of names) await server.client.setBuildVariable({ ...site, variable: { name, value: "some-value-1" } });
  expect(await namesOf("site")).toEqual(names);
});

test("all of a config's variables together are bounded in bytes and number", async () => {
  const full = { githubOrg: "acme", githubRepo: "FULL" };
  const set = async (name: string, value: string) => server.client.setBuildVariable({ ...full, variable: { name, value } });
  await set("BIG", "v".repeat(30_000));
  expect((await refusal(async () => set("MORE", "v".repeat(3_000)))).code).toBe(Code.FailedPrecondition);
  await set("BIG", "v".repeat(1_000));
  await set("MORE", "v".repeat(3_000));
  for (let n = 0; n < 98; n++) await set(`N${n}`, "some-value-1");
  expect((await refusal(async () => set("ONE_TOO_MANY", "some-value-1"))).code).toBe(Code.FailedPrecondition);
  expect(await namesOf("full")).toHaveLength(100);
});

test("a repository without a config, and a token that may only read, are refused", async () => {
  const variable = { name: "GOOD", value: "some-value-1" };
  const unknown = await refusal(async () => server.client.setBuildVariable({ ...site, githubRepo: "none", variable }));
  expect(unknown.code).toBe(Code.NotFound);
  const reader = server.connect(server.readToken);
  expect((await refusal(async () => reader.setBuildVariable({ ...site, variable }))).code).toBe(Code.PermissionDenied);
  expect((await refusal(async () => reader.deleteBuildVariable({ ...site, name: "GOOD" }))).code).toBe(Code.PermissionDenied);
});

test("a config's variables go with it", async () => {
  await server.client.setBuildVariable({
    githubOrg: "Acme",
    githubRepo: "other",
    variable: { name: "GOOD", value: "some-value-1" },
  });
  await server.client.deleteDeploymentConfig({ githubOrg: "Acme", githubRepo: "other" });
  const { rows } = await server.pool.query("select name from build_variables where name = 'GOOD'");
  expect(rows).toEqual([]);
});
