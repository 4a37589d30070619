import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pool } from "pg";
import type { CentralConfig } from "#central/config.ts";
import { createPool } from "#central/database/pool.ts";
import { startCentral } from "#central/main.ts";
import { createDeploymentConfig } from "#central/operator/create-deployment-config.ts";
import { createEnvironment } from "#central/operator/create-environment.ts";
import type { Logger } from "#common/logger.ts";
import { createReleasers } from "#common/lifecycle.ts";
import { create } from "@bufbuild/protobuf";
import { DeploymentConfigSchema, EnvironmentSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { startForge } from "#local/forge/start-forge.ts";
import { createMigratedDatabase } from "#test/support/database.ts";
import { log } from "./test-log.ts";
import { startFakeWorker, type FakeWorker } from "./start-fake-worker.ts";

export type TestCentral = Awaited<ReturnType<typeof startTestCentral>>;

const appId = "4711";
export const webhookSecret = "It's a Secret to Everybody";

/** Central as its main.ts wires it, on loopback, with real PostgreSQL, the forge, and a worker that only says what a test wants. */
export async function startTestCentral(
  o: { worker?: boolean; replicas?: number; config?: Partial<CentralConfig>; log?: Logger } = {},
) {
  const directory = await mkdtemp(join(tmpdir(), "catapult-central-"));
  const database = await createMigratedDatabase();
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicKey = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  const forge = await startForge({ directory, webhookSecret, app: { id: appId, publicKey }, log: () => undefined });
  const secretKey = randomBytes(32);
  const config: CentralConfig = {
    databaseUrl: database.url,
    appId,
    privateKey,
    webhookSecrets: [webhookSecret],
    githubApiUrl: forge.apiUrl,
    githubUrl: forge.url,
    centralUrl: "https://central.example",
    listen: { host: "127.0.0.1", port: 0 },
    secretKey,
    tls: "off",
    metricsListen: "off",
    ca: undefined,
    otlpEndpoint: undefined,
    logLevel: "error",
    reconcileEveryMs: 300_000,
    deliveriesKeepMs: 30 * 86_400_000,
    logsKeepMs: 90 * 86_400_000,
    historyKeepMs: 180 * 86_400_000,
    ...o.config,
  };
  const start = async () => {
    const releasers = createReleasers(log);
    try {
      return { ...(await startCentral(config, o.log ?? log, releasers)), stop: async () => releasers.runAll() };
    } catch (error) {
      await releasers.runAll();
      throw error;
    }
  };
  const replicas: Awaited<ReturnType<typeof start>>[] = [];
  for (let n = 0; n < (o.replicas ?? 1); n += 1) replicas.push(await start());
  const url = replicas[0]?.url ?? "";
  forge.setWebhookUrl(`${url}/webhook/github`);
  const pool = createPool(database.url, log);
  await createEnvironment(
    pool,
    create(EnvironmentSchema, { name: "one", domainSuffixes: ["one.test"], sitesUrl: "https://{host}" }),
  );
  const worker = o.worker === false ? undefined : await startFakeWorker({ pool, secretKey, centralUrl: url });
  return {
    config,
    forge,
    pool,
    url,
    replicas,
    secretKey,
    start,
    get worker(): FakeWorker {
      if (worker === undefined) throw new Error("this Central was started without a worker");
      return worker;
    },
    async stop() {
      for (const replica of replicas) await replica.stop();
      await worker?.stop();
      await forge.stop();
      await pool.end();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A repository at the forge that the App sees, with a config for it. */
export async function addRepository(central: TestCentral, name: string, forks: "off" | "approve" | "on" = "approve") {
  const repository = await central.forge.createRepository({ owner: "acme", name, files: { "index.html": "one" } });
  await central.forge.installApp({ owner: "acme", name });
  const row = await createDeploymentConfig(
    {
      pool: central.pool,
      resolveRepository: async () => ({
        repositoryId: BigInt(repository.id),
        installationId: await installationOf(central, repository.id),
        owner: "acme",
        repo: name,
        defaultBranch: "main",
      }),
    },
    create(DeploymentConfigSchema, {
      githubOrg: "acme",
      githubRepo: name,
      environment: "one",
      domain: "one.test",
      subdomain: name,
    }),
  );
  await central.pool.query("update deployment_config set forks = $2 where id = $1", [row.id, forks]);
  return { ...repository, configId: row.id };
}

async function installationOf(central: TestCentral, _repositoryId: number): Promise<bigint> {
  const { createGitHub } = await import("#central/github/create-github.ts");
  const github = createGitHub({ appId, privateKey: central.config.privateKey, apiUrl: central.forge.apiUrl }, central.pool, log);
  const { data } = await github.app.request("GET /app/installations");
  return BigInt(data[0]?.id ?? 0);
}

export type DeploymentRow = {
  id: bigint;
  generation: bigint;
  commit: string;
  state: string;
  trust: string;
  failureReason: string | null;
  waiting: string | null;
};

export async function selectDeployments(pool: Pool, host: string): Promise<DeploymentRow[]> {
  const { rows } = await pool.query<DeploymentRow>(
    `select d.id, d.generation, d.commit_sha as commit, d.state, d.trust, d.failure_reason as "failureReason", d.waiting
     from deployment_history d join sites s on s.id = d.site_id where s.host = $1 order by d.generation`,
    [host],
  );
  return rows;
}

export async function selectSiteState(pool: Pool, host: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ state: string }>("select state from sites where host = $1", [host]);
  return rows[0]?.state;
}
