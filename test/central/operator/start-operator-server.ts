import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { Client } from "@connectrpc/connect";
import type pg from "pg";
import { createPool } from "#central/database/pool.ts";
import { createGitHub } from "#central/github/create-github.ts";
import { createOperatorService } from "#central/operator/operator-service.ts";
import { createTokenFinder } from "#central/operator/create-token-finder.ts";
import { createToken } from "#central/operator/tokens.ts";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createLogCollector, type LogLine } from "#test/common/rpc/log-collector.ts";
import { createMigratedDatabase } from "#test/support/database.ts";
import { startGitHubStandIn, type GitHubStandIn } from "./start-git-hub-stand-in.ts";

export type OperatorServer = {
  url: string;
  databaseUrl: string;
  pool: pg.Pool;
  github: GitHubStandIn;
  secretKey: Buffer;
  /** Write and read tokens, and clients that carry them. */
  token: string;
  readToken: string;
  client: Client<typeof OperatorService>;
  connect(token: string): Client<typeof OperatorService>;
  /** What it logged so far. */
  lines(): LogLine[];
  stop(): Promise<void>;
};

/** OperatorService behind the real server and the real guard, on a database of its own. */
export async function startOperatorServer(): Promise<OperatorServer> {
  const { log, lines } = createLogCollector();
  const database = await createMigratedDatabase();
  const pool = createPool(database.url, log);
  const github = await startGitHubStandIn();
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const app = createGitHub({ appId: "1", privateKey, apiUrl: github.url }, pool, log);
  const secretKey = randomBytes(32);
  const server = await startRpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    tls: "off",
    routes: (router) => router.service(OperatorService, createOperatorService({ pool, github: app, secretKey, log })),
    tokens: createTokenFinder(pool),
    log,
  });
  const clients: { close(): void }[] = [];
  function connect(token: string): Client<typeof OperatorService> {
    const client = createServiceClient(OperatorService, {
      url: server.url,
      interceptors: [createBearerInterceptor(token)],
      retries: 0,
    });
    clients.push(client);
    return client;
  }
  const token = await createToken(pool, { name: "writer", scope: "write" });
  const readToken = await createToken(pool, { name: "reader", scope: "read" });
  return {
    url: server.url,
    databaseUrl: database.url,
    pool,
    github,
    secretKey,
    token,
    readToken,
    client: connect(token),
    connect,
    lines,
    async stop() {
      for (const client of clients) client.close();
      await server.stop(0);
      await github.stop();
      await pool.end();
      await database.drop();
    },
  };
}

/** How many rows each table that operators write has: a refused call must leave it as it was. */
export async function countRows(pool: pg.Pool): Promise<Record<string, bigint>> {
  const { rows } = await pool.query<Record<string, bigint>>(
    `select (select count(*) from environments) as environments, (select count(*) from workers) as workers,
       (select count(*) from worker_keys) as worker_keys, (select count(*) from deployment_config) as configs,
       (select count(*) from sites) as sites, (select count(*) from graphile_worker.jobs) as jobs`,
  );
  return rows[0]!;
}
