import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client, Interceptor } from "@connectrpc/connect";
import { createServiceClient } from "#common/rpc/client.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createPool } from "#central/database/pool.ts";
import { migrate } from "#central/database/migrate.ts";
import { createToken } from "#central/operator/tokens.ts";
import { createLogger } from "#common/logger.ts";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startForge } from "#local/forge/start-forge.ts";
import { startDaemon, type Daemon } from "./daemon.ts";
import { freePort } from "./free-port.ts";
import { createLinks, type LinkName } from "./links.ts";
import { useTestPodman, type TestPodman } from "./podman.ts";
import { startStackWorker, type StackWorker } from "./stack-worker.ts";

const repositoryRoot = join(import.meta.dirname, "../..");

export type { StackWorker } from "./stack-worker.ts";
export type Stack = Awaited<ReturnType<typeof startStack>>;

export type StackOptions = {
  environments?: string[];
  database?: { url: string; drop(): Promise<void> };
  /** How many Centrals share the database. The forge's webhooks and the workers' reports go to each in turn. */
  centrals?: number;
  /** Puts a proxy between the parts: `stack.links.get("central-worker").set({ blackhole: true })`. */
  links?: boolean;
  /** Another Podman than the one that all tests share; it stays its maker's to release. */
  podman?: TestPodman;
  /** How long GitHub would wait for a webhook's answer; its own 10 s if not set. */
  webhookTimeoutMs?: number;
  /** Stands between the workers and their Caddys: answers the CADDY_ADMIN that they get instead of the one given. */
  caddyAdmin?: (admin: string) => Promise<string>;
  /** Variables besides those that the stack sets itself. */
  env?: { central?: Record<string, string>; worker?: Record<string, string> };
};

/**
 * Catapult as production runs it, on loopback: `catapult central` and `catapult worker` as processes of their own over HTTPS, real
 * PostgreSQL, Podman, Caddy and git. Only GitHub is the forge.
 */
export async function startStack(options: StackOptions = {}) {
  const names = options.environments ?? ["one"];
  await mkdir(join(repositoryRoot, ".catapult/test"), { recursive: true });
  const directory = await mkdtemp(join(repositoryRoot, ".catapult/test/stack-"));
  const releases: (() => Promise<unknown>)[] = [];
  const log = createLogger({ name: "test", level: "silent" });
  try {
    const database = options.database ?? (await (await import("./database.ts")).createMigratedDatabase());
    releases.push(() => database.drop());
    const pool = createPool(database.url, log);
    releases.push(() => pool.end());
    await migrate(pool, log);
    const certificates = await createCertificates({ directory: join(directory, "tls"), hosts: ["localhost", "127.0.0.1"] });
    const ca = await readFile(certificates.caFile, "utf8");

    const links = createLinks(options.links ?? false);
    releases.push(() => links.stop());
    const count = options.centrals ?? 1;
    const ports: { host: string; port: number }[] = [];
    for (let each = 0; each < count; each++) ports.push({ host: "127.0.0.1", port: await freePort() });
    const isBehindProxy = options.links === true || count > 1;
    const reach = async (name: LinkName): Promise<string> =>
      `https://127.0.0.1:${isBehindProxy ? (await links.add(name, ports)).port : ports[0]!.port}`;
    const webhooksUrl = await reach("forge-central");
    const reportsUrl = await reach("worker-central");
    const centralUrl = `https://127.0.0.1:${ports[0]!.port}`;

    const app = createAppKeys();
    const webhookSecret = randomBytes(24).toString("hex");
    const forge = await startForge({
      directory: join(directory, "forge"),
      webhookUrl: `${webhooksUrl}/webhook/github`,
      webhookSecret,
      webhookCa: ca,
      ...(options.webhookTimeoutMs === undefined ? {} : { webhookTimeoutMs: options.webhookTimeoutMs }),
      app: { id: app.id, publicKey: app.publicKey },
      log: () => {},
    });
    releases.push(() => forge.stop());

    const keyFile = join(directory, "app-key.pem");
    await writeFile(keyFile, app.privateKey, { mode: 0o600 });
    const secretKeyFile = join(directory, "secret-key");
    await writeFile(secretKeyFile, randomBytes(32).toString("base64url"), { mode: 0o600 });
    const tls = {
      TLS_CERT_FILE: certificates.certFile,
      TLS_KEY_FILE: certificates.keyFile,
      CA_FILE: certificates.caFile,
      // A free port each: several daemons run beside each other.
      METRICS_LISTEN: "127.0.0.1:0",
    };
    const github = { GITHUB_URL: forge.url, GITHUB_API_URL: forge.apiUrl };
    const centralEnvironment = {
      ...tls,
      ...github,
      GITHUB_APP_ID: app.id,
      GITHUB_PRIVATE_KEY_FILE: keyFile,
      GITHUB_WEBHOOK_SECRET: webhookSecret,
      CENTRAL_URL: centralUrl,
      CENTRAL_SECRET_KEY_FILE: secretKeyFile,
      ...options.env?.central,
    };
    const centrals: Daemon[] = [];
    for (const [index, { port }] of ports.entries()) {
      const central = await startDaemon({
        directory,
        command: "central",
        ...(index === 0 ? {} : { name: `central-${index}` }),
        env: {
          ...centralEnvironment,
          DATABASE_URL: await links.through("central-postgres", database.url),
          CENTRAL_LISTEN: `127.0.0.1:${port}`,
        },
        probe: `https://127.0.0.1:${port}/healthz`,
        ca,
      });
      centrals.push(central);
      releases.push(() => central.stop());
    }

    const token = await createToken(pool, { name: "tests", scope: "write" });
    const operator = createOperatorClient(centralUrl, ca, token);

    const podman = options.podman ?? (await useTestPodman());
    if (options.podman === undefined) releases.push(() => podman.release());
    const workers: StackWorker[] = [];
    for (const name of names) {
      const worker = await startStackWorker({
        name,
        directory,
        operator,
        podman,
        centralUrl: reportsUrl,
        ca,
        links,
        shared: { ...tls, ...github, ...options.env?.worker },
        releases,
        ...(options.caddyAdmin === undefined ? {} : { caddyAdmin: options.caddyAdmin }),
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
      /** Where each Central listens, with nothing between. */
      centralUrls: ports.map(({ port }) => `https://127.0.0.1:${port}`),
      webhookSecret,
      forge,
      central: centrals[0]!,
      centrals,
      links,
      operator,
      token,
      workers,
      podman,
      secretKeyFile,
      async stop() {
        // While they are cut, daemons would wait for each other until their deadline.
        for (const { proxy } of links.all()) proxy.set({});
        for (const release of releases.toReversed()) await release();
        const missed = await Promise.all(
          [...centrals, ...workers.map((worker) => worker.daemon)].map((one) => one.missedFailpoints()),
        );
        if (missed.flat().length > 0) throw new Error(`failpoints were armed and never hit: ${missed.flat().join(", ")}`);
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

function createAppKeys() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return { id: "4711", publicKey, privateKey };
}
