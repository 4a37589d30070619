import { createPrivateKey } from "node:crypto";
import { checkTls } from "#common/config/check-tls.ts";
import { parseSecretKey } from "#common/config/parse-secret-key.ts";
import {
  parseChoice,
  parseList,
  parseListen,
  parseLogLevel,
  parseReadableFile,
  parseText,
  parseUrl,
} from "#common/config/parse.ts";
import { parseSecureUrl } from "#common/config/parse-secure-url.ts";
import { optional, readConfig, variable } from "#common/config/read-config.ts";
import type { TlsFiles } from "#common/rpc/server.ts";

export const centralVariables = {
  databaseUrl: variable("DATABASE_URL", parseDatabaseUrl, { help: "PostgreSQL, as postgres://user:password@host:port/name" }),
  appId: variable("GITHUB_APP_ID", parseText, { help: "the GitHub App's id" }),
  privateKey: variable("GITHUB_PRIVATE_KEY", parsePrivateKey, { help: "the GitHub App's private key, PEM" }),
  webhookSecrets: variable("GITHUB_WEBHOOK_SECRET", parseSecrets, {
    help: "the webhook's secret; two, with a comma between, while it is changed",
  }),
  githubApiUrl: variable("GITHUB_API_URL", parseSecureUrl, { help: "GitHub's REST API", default: "https://api.github.com" }),
  githubUrl: variable("GITHUB_URL", parseSecureUrl, { help: "GitHub", default: "https://github.com" }),
  centralUrl: variable("CENTRAL_URL", parseUrl, { help: "Central's public URL" }),
  listen: variable("CENTRAL_LISTEN", parseListen, { help: "where Central listens, host:port", default: ":8443" }),
  secretKey: variable("CENTRAL_SECRET_KEY", parseSecretKey, {
    help: "32 random bytes in base64url: what keys are encrypted with at rest",
  }),
  tlsCert: optional("TLS_CERT_FILE", parseReadableFile, { help: "the server's certificate chain, PEM" }),
  tlsKey: optional("TLS_KEY_FILE", parseReadableFile, { help: "the server's private key, PEM" }),
  tls: variable("TLS", parseChoice(["on", "off"]), {
    help: "off: plain HTTP on a loopback address, for a proxy in front",
    default: "on",
  }),
  ca: optional("CA_FILE", parseReadableFile, { help: "certificates that are trusted besides the system's, PEM" }),
  logLevel: variable("LOG_LEVEL", parseLogLevel, {
    help: "what is logged",
    default: "info",
  }),
};

export type CentralConfig = Omit<ReturnType<typeof readVariables>, "tls" | "tlsCert" | "tlsKey"> & { tls: TlsFiles | "off" };

export function readCentralConfig(env: NodeJS.ProcessEnv): CentralConfig {
  const { tls, tlsCert, tlsKey, ...config } = readVariables(env);
  if (tls === "off") return { ...config, tls };
  if (tlsCert === undefined || tlsKey === undefined) throw new Error("TLS is on without a certificate or key, which was checked");
  return { ...config, tls: { cert: tlsCert, key: tlsKey } };
}

function readVariables(env: NodeJS.ProcessEnv) {
  return readConfig(env, centralVariables, ({ tls, listen }, isGiven) => {
    const missing = (["tlsCert", "tlsKey"] as const).filter((half) => !isGiven(half)).map((half) => centralVariables[half].name);
    return checkTls({ tls, listen, listenVariable: centralVariables.listen.name, missing });
  });
}

function parseDatabaseUrl(value: string): string {
  const url = URL.parse(value);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) throw new Error("expected a URL that begins with postgres://");
  return value;
}

function parsePrivateKey(value: string): string {
  // Where a variable cannot hold a line break, \n stands for it.
  const pem = value.replaceAll("\\n", "\n");
  try {
    createPrivateKey(pem);
    return pem;
  } catch (cause) {
    throw new Error("expected a private key in PEM form", { cause });
  }
}

function parseSecrets(value: string): string[] {
  const secrets = parseList(value);
  if (secrets.length < 1 || secrets.length > 2) throw new Error("expected one secret, or two with a comma between");
  return secrets;
}
