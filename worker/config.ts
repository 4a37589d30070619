import { checkTls } from "#common/config/check-tls.ts";
import { parseMetricsListen } from "#common/config/parse-metrics-listen.ts";
import { optional, readConfig, variable } from "#common/config/read-config.ts";
import {
  parseBytes,
  parseChoice,
  parseDuration,
  parseInteger,
  parseList,
  parseListen,
  parseLogLevel,
  parsePath,
  parseText,
  parseUrl,
} from "#common/config/parse.ts";
import { parseSecureUrl } from "#common/config/parse-secure-url.ts";
import { isLoopback } from "#common/rpc/is-loopback.ts";
import { errorMessage } from "#common/error-details.ts";
import { parseWorkerKeyFile } from "#common/rpc/keys.ts";
import { parseCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { parseWatermark } from "#worker/disk/parse-watermark.ts";
import { imageName } from "#worker/image/image-name.ts";

/** Every variable that a worker reads. */
export const workerVariables = {
  workerKey: variable("WORKER_KEY", parseWorkerKeyFile, { help: "what `catapult workers add` printed" }),
  centralUrl: variable("CENTRAL_URL", parseUrl, { help: "where Central is reached, such as https://central.example:8443" }),
  listen: variable("WORKER_LISTEN", parseListen, { help: "where this worker listens for Central", default: ":8444" }),
  githubUrl: variable("GITHUB_URL", parseSecureUrl, { help: "the base of clone URLs", default: "https://github.com" }),
  githubApiUrl: variable("GITHUB_API_URL", parseSecureUrl, {
    help: "where clone tokens are revoked",
    default: "https://api.github.com",
  }),
  podmanSocket: variable("PODMAN_SOCKET", parsePath, {
    help: "the socket of Podman's service",
    default: "/run/podman/podman.sock",
  }),
  caddyAdmin: variable("CADDY_ADMIN", parseAdmin, {
    help: "Caddy's admin API: http://127.0.0.1:port or unix//path/to/admin.sock",
    default: "http://127.0.0.1:2019",
  }),
  sitesDir: variable("SITES_DIR", parsePlainPath, {
    help: "where releases lie; Caddy reads them there",
    default: "/var/www/sites",
  }),
  sitesListen: variable("SITES_LISTEN", parseAddresses, {
    help: "where Caddy serves the sites; a port other than 80 is HTTPS when a certificate is given",
    default: ":80,:443",
  }),
  sitesTlsCertFile: optional("SITES_TLS_CERT_FILE", parsePlainPath, {
    help: "the sites' wildcard certificate, PEM; Caddy reads it",
  }),
  sitesTlsKeyFile: optional("SITES_TLS_KEY_FILE", parsePlainPath, { help: "its key, PEM; Caddy reads it" }),
  sitesAskListen: variable("SITES_ASK_LISTEN", parseAskListen, {
    help: "where /ask tells Caddy which hosts are served here, for certificates on demand: a loopback host:port; off: nowhere",
    default: "off",
  }),
  stateDir: variable("STATE_DIR", parsePath, {
    help: "what the worker remembers, its clones and caches",
    default: "/var/lib/catapult",
  }),
  releasesKeep: variable("RELEASES_KEEP", parseInteger({ min: 1, max: 1_000 }), {
    help: "how many of a site's newest releases are kept for rollbacks",
    default: "5",
  }),
  releasesKeepBytes: variable("RELEASES_KEEP_BYTES", parseBytes, {
    help: "the bytes that they may have together, beside the live one",
    default: "2g",
  }),
  diskLowWatermark: variable("DISK_LOW_WATERMARK", parseWatermark, {
    help: "below so much free space, in bytes or as a share such as 10%, previews are removed and no builds are taken",
    default: "2g",
  }),
  drainTimeout: variable("DRAIN_TIMEOUT", parseDuration, {
    help: "how long running builds may go on after SIGTERM; what has not ended by then is given back to Central",
    default: "20s",
  }),
  buildImage: variable("BUILD_IMAGE", parseText, { help: "the builder image", default: `${imageName}:latest` }),
  buildMemory: variable("BUILD_MEMORY", parseBytes, { help: "a build's memory", default: "4g" }),
  buildDisk: variable("BUILD_DISK", parseBytes, { help: "a build's disk: source, packages and output", default: "2g" }),
  buildCpus: variable("BUILD_CPUS", parseCpus, { help: "a build's CPUs, such as 2 or 0.5", default: "2" }),
  buildPids: variable("BUILD_PIDS", parseInteger({ min: 16, max: 65_536 }), { help: "a build's processes", default: "1024" }),
  buildTimeout: variable("BUILD_TIMEOUT", parseDuration, { help: "the longest that a build may take", default: "10m" }),
  buildSlots: variable("BUILD_SLOTS", parseInteger({ min: 1, max: 256 }), { help: "how many builds run at once", default: "2" }),
  buildDns: variable("BUILD_DNS", parseResolvers, {
    help: "IPv4 addresses of the resolvers that builds use",
    default: "1.1.1.1,9.9.9.9",
  }),
  buildCaFile: optional("BUILD_CA_FILE", parsePath, { help: "certificates that builds trust beside the image's, PEM" }),
  buildSeccomp: optional("BUILD_SECCOMP", parsePath, {
    help: "a seccomp profile on Podman's host; a strict one in STATE_DIR otherwise",
  }),
  buildCanaryTarget: variable("BUILD_CANARY_TARGET", parseTarget, {
    help: "host:port that builds must reach, asked before builds are taken; none: builds have nothing outside to reach",
    default: "registry.npmjs.org:443",
  }),
  metricsListen: variable("METRICS_LISTEN", parseMetricsListen, {
    help: "where /metrics is served by plain HTTP, host:port; off: nowhere",
    default: "127.0.0.1:9465",
  }),
  tls: variable("TLS", parseChoice(["on", "off"]), { help: "off: plain HTTP, on a loopback address alone", default: "on" }),
  tlsCertFile: optional("TLS_CERT_FILE", parsePath, { help: "this worker's certificate, PEM" }),
  tlsKeyFile: optional("TLS_KEY_FILE", parsePath, { help: "its key, PEM" }),
  caFile: optional("CA_FILE", parsePath, { help: "certificates added to the trust of outgoing TLS, PEM" }),
  otlpEndpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", parseUrl, {
    help: "where traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318; none: nothing is sent",
  }),
  logLevel: variable("LOG_LEVEL", parseLogLevel, {
    help: "how much is logged",
    default: "info",
  }),
};

export type WorkerConfig = ReturnType<typeof readWorkerConfig>;

/** Reads a worker's configuration; a ConfigError names all that is wrong with it. */
export function readWorkerConfig(env: NodeJS.ProcessEnv): ReturnType<typeof readConfig<typeof workerVariables>> {
  return readConfig(env, workerVariables, (values, isGiven) => {
    const { tls, listen } = values;
    const missing = (["tlsCertFile", "tlsKeyFile"] as const)
      .filter((half) => !isGiven(half))
      .map((half) => workerVariables[half].name);
    const problems = checkTls({ tls, listen, listenVariable: workerVariables.listen.name, missing });
    const refuse = (name: string, problem: string): void => void problems.push({ variable: name, problem });
    const [cert, key] = [isGiven("sitesTlsCertFile"), isGiven("sitesTlsKeyFile")];
    if (cert !== key) {
      refuse(cert ? "SITES_TLS_KEY_FILE" : "SITES_TLS_CERT_FILE", "is not set, but its other half is; give both or neither");
    }
    if (!cert && !key && values.sitesListen?.some((address) => parseListen(address).port === 443) === true) {
      refuse(
        "SITES_LISTEN",
        "has port 443, which needs SITES_TLS_CERT_FILE and SITES_TLS_KEY_FILE; set these, or SITES_LISTEN=:80 behind a proxy",
      );
    }
    return problems;
  });
}

function parseAdmin(value: string): string {
  parseCaddyAdmin(value);
  return value;
}

function parseAskListen(value: string): { host: string; port: number } | "off" {
  const listen = value === "off" ? value : parseListen(value);
  if (listen !== "off" && !isLoopback(listen.host)) throw new Error("expected off, or a loopback address such as 127.0.0.1:8446");
  return listen;
}

/** Caddy expands braces in its configuration. */
function parsePlainPath(value: string): string {
  if (/[{}]/.test(value)) throw new Error("expected a path without braces");
  return parsePath(value);
}

function parseAddresses(value: string): string[] {
  const list = parseList(value);
  for (const item of list) {
    try {
      if (parseListen(item).port === 0) throw new Error("port 0 cannot be served");
    } catch (error) {
      throw new Error(`expected a comma-separated list of addresses; ${errorMessage(error)}`, { cause: error });
    }
  }
  return list;
}

function parseResolvers(value: string): string[] {
  const list = parseList(value);
  if (!list.every((item) => /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(item))) {
    throw new Error("expected a comma-separated list of IPv4 addresses");
  }
  return list;
}

/** Only that something outside answers is left out by `none`; all else is proven alike. */
function parseTarget(value: string): { host: string; port: number } | undefined {
  if (value === "none") return undefined;
  const [, host = "", port = ""] =
    /^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):(\d{1,5})$/.exec(value)?.toSpliced(2, 1) ?? [];
  const number = Number(port);
  if (host === "" || number < 1 || number > 65_535)
    throw new Error("expected host:port, such as registry.npmjs.org:443, or none");
  return { host, port: number };
}

function parseCpus(value: string): number {
  const cpus = /^[0-9]{1,3}(\.[0-9]{1,2})?$/.test(value) ? Number(value) : 0;
  if (cpus < 0.1) throw new Error("expected a number of CPUs of at least 0.1, such as 2 or 0.5");
  return cpus;
}
