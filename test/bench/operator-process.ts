// Central's OperatorService as a process of its own, so that its CPU and memory are its own. Prints one line: where it is, its token, a deployment.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { migrate } from "#central/database/migrate.ts";
import { createPool } from "#central/database/pool.ts";
import { createGitHub } from "#central/github/create-github.ts";
import { createCentralMetrics } from "#central/metrics/create-central-metrics.ts";
import { addOperatorService } from "#central/operator/add-operator-service.ts";
import { createTokenFinder } from "#central/operator/create-token-finder.ts";
import { createToken } from "#central/operator/operator-service.ts";
import { createDeploymentFeeds } from "#central/watch/create-deployment-feeds.ts";
import { createReleasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { startTelemetry } from "#common/telemetry/start-telemetry.ts";

const log = createLogger({ name: "bench", level: "error" });
const pool = createPool(process.env["BENCH_DATABASE_URL"] ?? "", log);
await migrate(pool, log);
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const github = createGitHub({ appId: "1", privateKey, apiUrl: "http://127.0.0.1:1" }, pool, log);
const feeds = createDeploymentFeeds({ pool, log });
// As in Central, where each call is counted and knows its trace.
await startTelemetry({ service: "bench", endpoint: undefined, releasers: createReleasers(log) });
const server = await startRpcServer({
  listen: { host: "127.0.0.1", port: 0 },
  tls: "off",
  routes: (router) => addOperatorService(router, { pool, github, secretKey: randomBytes(32), feeds, log }),
  tokens: createTokenFinder(pool),
  observe: createCentralMetrics({ pool }).observeRpc,
  log,
});
await pool.query(
  "insert into environments (name, domain_suffixes, sites_url) values ('bench', '{bench.test}', 'https://{host}')",
);
await pool.query(
  `insert into deployment_config (github_org, github_repo, repository_id, installation_id, default_branch, environment_id, domain, preview_label)
   select 'acme', 'bench', 1, 1, 'main', id, 'bench.test', 'bench' from environments`,
);
await pool.query(
  `insert into sites (config_id, repository_id, kind, host, generation, state)
   select id, 1, 'production', 'bench.test', 1, 'wanted' from deployment_config`,
);
const { rows } = await pool.query<{ id: bigint }>(
  `insert into deployment_history (site_id, generation, commit_sha, branch, state)
   select id, 1, repeat('a', 40), 'main', 'queued' from sites returning id`,
);
await pool.query(
  "update deployment_history set state = 'dispatched', lease_expires_at = now() + interval '1 hour', dispatched_at = now()",
);
await pool.query("update deployment_history set state = 'building'");
const token = await createToken(pool, { name: "bench", scope: "write" });
process.on("SIGTERM", () => process.exit(0));
console.info(JSON.stringify({ url: server.url, token, deployment: String(rows[0]?.id) }));
