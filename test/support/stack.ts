import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";
import type { Client, Interceptor } from "@connectrpc/connect";
import { createServiceClient } from "#common/rpc/client.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createPool } from "#central/database/pool.ts";
import { migrate } from "#central/database/migrate.ts";
import { createToken } from "#central/operator/tokens.ts";
import { createLogger } from "#common/logger.ts";
import { startCaddy } from "#local/caddy/start-caddy.ts";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startForge } from "#local/forge/start-forge.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { useTestPodman, type TestPodman } from "./podman.ts";

const repositoryRoot = join(import.meta.dirname, "../..");

/** One daemon of the stack: the real command in a process of its own. */
export type Daemon = { readonly pid: number; readonly logFile: string; stop(signal?: NodeJS.Signals): Promise<void> };

export type Stack = Awaited<ReturnType<typeof startStack>>;

/**
 * Catapult as production runs it, on loopback: `catapult central` and `catapult worker` as processes of their own over HTTPS, real
 * PostgreSQL, Podman, Caddy and git. Only GitHub is the forge.
 */
export async function startStack(options: { environments?: string[]; database?: { url: string; drop(): Promise<void> } } = {}) {
  const names = options.environments ?? ["one"];
  await mkdir(join(repositoryRoot, ".catapult/test"), { recursive: true });
  const directory = await mkdtemp(join(repositoryRoot, ".catapult/test/stack-"));
  const releases: (() => Promise<unknown>)[] = [];
  const log = createLogger({ name: "test", level: "silent" });
  try {
    const database = options.database ?? (await (await import("./database.ts")).createTestDatabase());
    releases.push(() => database.drop());
    const pool = createPool(database.url, log);
    releases.push(() => pool.end());
    await migrate(pool, log);
    const certificates = await createCertificates({ directory: join(directory, "tls"), hosts: ["localhost", "127.0.0.1"] });
    const ca = await readFile(certificates.caFile, "utf8");

    const centralPort = await freePort();
    const centralUrl = `https://127.0.0.1:${centralPort}`;
    const app = createAppKeys();
    const webhookSecret = randomBytes(24).toString("hex");
    const forge = await startForge({
      directory: join(directory, "forge"),
      webhookUrl: `${centralUrl}/webhook/github`,
      webhookSecret,
      webhookCa: ca,
      app: { id: app.id, publicKey: app.publicKey },
      log: () => {},
    });
    releases.push(() => forge.stop());

    const keyFile = join(directory, "app-key.pem");
    await writeFile(keyFile, app.privateKey, { mode: 0o600 });
    const secretKeyFile = join(directory, "secret-key");
    await writeFile(secretKeyFile, randomBytes(32).toString("base64url"), { mode: 0o600 });
    const tls = { TLS_CERT_FILE: certificates.certFile, TLS_KEY_FILE: certificates.keyFile, CA_FILE: certificates.caFile };
    const github = { GITHUB_URL: forge.url, GITHUB_API_URL: forge.apiUrl };
    const centralEnvironment = {
      ...tls,
      ...github,
      DATABASE_URL: database.url,
      GITHUB_APP_ID: app.id,
      GITHUB_PRIVATE_KEY_FILE: keyFile,
      GITHUB_WEBHOOK_SECRET: webhookSecret,
      CENTRAL_URL: centralUrl,
      CENTRAL_LISTEN: `127.0.0.1:${centralPort}`,
      CENTRAL_SECRET_KEY_FILE: secretKeyFile,
    };
    const central = await startDaemon(directory, "central", centralEnvironment, `${centralUrl}/healthz`, ca);
    releases.push(() => central.stop());

    const token = await createToken(pool, { name: "tests", scope: "write" });
    const operator = createOperatorClient(centralUrl, ca, token);

    const podman = await useTestPodman();
    releases.push(() => podman.release());
    const workers = [];
    for (const name of names) {
      const worker = await startWorkerFor({
        name,
        directory,
        operator,
        podman,
        centralUrl,
        ca,
        shared: { ...tls, ...github },
        releases,
      });
      workers.push(worker);
    }
    return {
      directory,
      database,
      pool,
      ca,
      certificates,
      centralUrl,
      webhookSecret,
      forge,
      central,
      operator,
      token,
      workers,
      secretKeyFile,
      async stop() {
        for (const release of releases.toReversed()) await release();
        if (process.env["KEEP_TEST_STATE"] === undefined) await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    for (const release of releases.toReversed()) await release().catch(() => undefined);
    throw error;
  }
}

/** A client with a bearer token. */
export function createOperatorClient(url: string, ca: string, token: string): Client<typeof OperatorService> {
  const bearer: Interceptor = (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    return next(request);
  };
  return createServiceClient(OperatorService, { url, ca, interceptors: [bearer] });
}

async function startWorkerFor(o: {
  name: string;
  directory: string;
  operator: Client<typeof OperatorService>;
  podman: TestPodman;
  centralUrl: string;
  ca: string;
  shared: Record<string, string>;
  releases: (() => Promise<unknown>)[];
}) {
  const directory = join(o.directory, `worker-${o.name}`);
  await mkdir(directory, { recursive: true });
  const caddy = await startCaddy({ stateDir: join(directory, "caddy"), log: () => {} });
  o.releases.push(() => caddy.stop());
  const [port, sitesPort] = [await freePort(), await freePort()];
  const url = `https://127.0.0.1:${port}`;
  const domain = `${o.name}.localhost`;
  await o.operator.createEnvironment({
    environment: { name: o.name, domainSuffixes: [domain], sitesUrl: `http://{host}:${sitesPort}` },
  });
  const added = await o.operator.createWorker({
    worker: { id: `worker-${o.name}`, environment: o.name, endpoint: url, enabled: true },
  });
  const keyFile = join(directory, "worker-key.json");
  await writeFile(keyFile, added.keyFile, { mode: 0o600 });
  const environment = {
    ...o.shared,
    WORKER_KEY_FILE: keyFile,
    CENTRAL_URL: o.centralUrl,
    WORKER_LISTEN: `127.0.0.1:${port}`,
    PODMAN_SOCKET: o.podman.socket,
    BUILD_IMAGE: o.podman.imageReference,
    CADDY_ADMIN: caddy.admin,
    SITES_DIR: join(directory, "sites"),
    SITES_LISTEN: `127.0.0.1:${sitesPort}`,
    STATE_DIR: join(directory, "state"),
    BUILD_MEMORY: "2g",
    BUILD_SLOTS: "2",
    ...(await machineNetwork()),
  };
  const start = () => startDaemon(directory, "worker", environment, `${url}/readyz`, o.ca);
  const daemon = await start();
  o.releases.push(() => daemon.stop());
  return {
    id: `worker-${o.name}`,
    environment: o.name,
    domain,
    url,
    keyFile,
    sitesPort,
    sitesDirectory: environment.SITES_DIR,
    stateDirectory: environment.STATE_DIR,
    daemon,
    caddy,
  };
}

/** The resolver and the CA bundle of the machine that runs the tests, for builds that fetch packages. */
export async function machineNetwork(): Promise<Record<string, string>> {
  const resolvers = (await readFile("/etc/resolv.conf", "utf8")).matchAll(/^nameserver\s+(\S+)/gm);
  const caFile = process.env["SSL_CERT_FILE"] ?? process.env["NODE_EXTRA_CA_CERTS"];
  return { BUILD_DNS: [...resolvers].map((match) => match[1]).join(","), ...(caFile ? { BUILD_CA_FILE: caFile } : {}) };
}

async function startDaemon(
  directory: string,
  name: "central" | "worker",
  env: Record<string, string>,
  probe: string,
  ca: string,
): Promise<Daemon> {
  const logFile = join(directory, `${name}.log`);
  const child = spawn(join(repositoryRoot, "cli/catapult"), [name], {
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, LOG_LEVEL: "debug", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`catapult ${name} could not be started`);
  const sink = createWriteStream(logFile, { flags: "a" });
  child.stdout.pipe(sink, { end: false });
  child.stderr.pipe(sink, { end: false });
  const exited = once(child, "exit");
  await eventually(async () => {
    if (child.exitCode !== null)
      throw new DaemonEnded(`${name} ended with ${child.exitCode}: ${await readFile(logFile, "utf8")}`);
    const { status } = await requestHttps(probe, ca);
    if (status !== 200) throw new Error(`${probe} answered ${status}: ${(await readFile(logFile, "utf8")).slice(-2000)}`);
  }, 30_000);
  return {
    pid,
    logFile,
    async stop(signal = "SIGTERM") {
      if (isRunning(child)) child.kill(signal);
      await exited;
    },
  };
}

class DaemonEnded extends Error {}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function requestHttps(url: string, ca: string): Promise<{ status: number }> {
  const https = await import("node:https");
  return new Promise((resolve, reject) => {
    https
      .get(url, { ca }, (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0 });
      })
      .on("error", reject);
  });
}

function createAppKeys() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return { id: "4711", publicKey, privateKey };
}
