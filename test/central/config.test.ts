import { generateKeyPairSync, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { readCentralConfig } from "#central/config.ts";
import { ConfigError } from "#common/config/config-error.ts";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const good = {
  DATABASE_URL: "postgres://catapult@127.0.0.1/catapult",
  GITHUB_APP_ID: "1",
  GITHUB_PRIVATE_KEY: pem,
  GITHUB_WEBHOOK_SECRET: "one,two",
  CENTRAL_URL: "https://central.example",
  CENTRAL_LISTEN: "127.0.0.1:0",
  CENTRAL_SECRET_KEY: randomBytes(32).toString("base64url"),
  TLS: "off",
};

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readCentralConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.variable);
    throw error;
  }
  return [];
}

test("a full configuration is read: two webhook secrets, a key of 32 bytes, a private key whose line breaks are \\n", () => {
  const config = readCentralConfig({ ...good, GITHUB_PRIVATE_KEY: pem.replaceAll("\n", "\\n") });
  expect(config.webhookSecrets).toEqual(["one", "two"]);
  expect(config.secretKey).toHaveLength(32);
  expect(config.privateKey).toBe(pem);
  expect(config.tls).toBe("off");
});

test("every bad variable is named at once", () => {
  const bad = {
    ...good,
    DATABASE_URL: "mysql://x",
    GITHUB_PRIVATE_KEY: "x",
    CENTRAL_SECRET_KEY: "short",
    GITHUB_WEBHOOK_SECRET: "a,b,c",
  };
  expect(problemsOf(bad).toSorted()).toEqual([
    "CENTRAL_SECRET_KEY",
    "DATABASE_URL",
    "GITHUB_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRET",
  ]);
});

test("without TLS=off a certificate and its key are asked for", () => {
  expect(problemsOf({ ...good, TLS: "on" })).toEqual(["TLS_CERT_FILE", "TLS_KEY_FILE"]);
});

test("rules over several variables are named together with the variables that are bad by themselves", () => {
  expect(problemsOf({ ...good, TLS: "on", CENTRAL_SECRET_KEY: "short" })).toEqual([
    "CENTRAL_SECRET_KEY",
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
  ]);
  expect(problemsOf({ ...good, CENTRAL_LISTEN: "0.0.0.0:8443", GITHUB_APP_ID: "" })).toEqual(["GITHUB_APP_ID", "CENTRAL_LISTEN"]);
});

test("without TLS, an address that other machines reach is refused before anything starts", () => {
  expect(problemsOf({ ...good, CENTRAL_LISTEN: "0.0.0.0:8443" })).toEqual(["CENTRAL_LISTEN"]);
  expect(problemsOf({ ...good, CENTRAL_LISTEN: "" })).toEqual(["CENTRAL_LISTEN"]);
  expect(problemsOf({ ...good, CENTRAL_LISTEN: "[::1]:8443" })).toEqual([]);
});

test("a forge without TLS is refused unless it is this machine: tokens are asked for and sent there", () => {
  const plain = { ...good, GITHUB_URL: "http://forge.example", GITHUB_API_URL: "http://10.0.0.5/api" };
  expect(problemsOf(plain).toSorted()).toEqual(["GITHUB_API_URL", "GITHUB_URL"]);
  expect(problemsOf({ ...good, GITHUB_URL: "http://127.0.0.1:3000", GITHUB_API_URL: "http://localhost:3000/api" })).toEqual([]);
});

test("a certificate that cannot be read is named once", () => {
  expect(problemsOf({ ...good, TLS: "on", TLS_CERT_FILE: "/nowhere/a.pem" })).toEqual(["TLS_CERT_FILE", "TLS_KEY_FILE"]);
});

test("a secret key with characters that are not base64url is refused", () => {
  expect(problemsOf({ ...good, CENTRAL_SECRET_KEY: `${good.CENTRAL_SECRET_KEY}!` })).toEqual(["CENTRAL_SECRET_KEY"]);
});

test("every level that the logger has is taken, silent too", () => {
  expect(readCentralConfig({ ...good, LOG_LEVEL: "silent" }).logLevel).toBe("silent");
  expect(problemsOf({ ...good, LOG_LEVEL: "loud" })).toEqual(["LOG_LEVEL"]);
});
