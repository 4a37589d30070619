import { createPrivateKey } from "node:crypto";
import { checkTls } from "#common/config/check-tls.ts";
import { parseSecretKey } from "#common/config/parse-secret-key.ts";
import {
  parseChoice,
  parseDuration,
  parseList,
  parseListen,
  parseLogLevel,
  parseReadableFile,
  parseText,
  parseUrl,
} from "#common/config/parse.ts";
import { parseMetricsListen } from "#common/config/parse-metrics-listen.ts";
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
  metricsListen: variable("METRICS_LISTEN", parseMetricsListen, {
    help: "where /metrics is served by plain HTTP, host:port; off: nowhere",
    default: "127.0.0.1:9464",
  }),
  reconcileEveryMs: variable("RECONCILE_INTERVAL", parseDuration, {
    help: "how often GitHub is compared with the database",
    default: "5m",
  }),
  deliveriesKeepMs: variable("DELIVERIES_KEEP", parseDeliveriesAge, {
    help: "how long webhook deliveries are kept once they ended; from 4d",
    default: "30d",
  }),
  logsKeepMs: variable("LOGS_KEEP", parseAge, {
    help: "how long logs and connections of builds are kept; the newest of a site stay",
    default: "90d",
  }),
  historyKeepMs: variable("HISTORY_KEEP", parseAge, {
    help: "how long ended deployments are kept; what is live or can be rolled back to stays",
    default: "180d",
  }),
  tlsCert: optional("TLS_CERT_FILE", parseReadableFile, { help: "the server's certificate chain, PEM" }),
  tlsKey: optional("TLS_KEY_FILE", parseReadableFile, { help: "the server's private key, PEM" }),
  tls: variable("TLS", parseChoice(["on", "off"]), {
    help: "off: plain HTTP on a loopback address, for a proxy in front",
    default: "on",
  }),
  ca: optional("CA_FILE", parseReadableFile, { help: "certificates that are trusted besides the system's, PEM" }),
  otlpEndpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", parseUrl, {
    help: "where traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318; none: nothing is sent",
  }),
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

/** Days or hours: a duration in milliseconds ends at 24 days. */
function parseAge(value: string): number {
  const match = /^([1-9][0-9]{0,4})(h|d)$/.exec(value);
  if (match === null) throw new Error("expected a number of hours or days, such as 12h or 30d");
  return Number(match[1]) * (match[2] === "d" ? 24 : 1) * 3_600_000;
}

/** What GitHub may still be asked for must still be known: it keeps three days. */
function parseDeliveriesAge(value: string): number {
  const age = parseAge(value);
  if (age < 4 * 86_400_000) throw new Error("expected at least 4d: GitHub is asked for what it could not deliver for three days");
  return age;
}
