import { stat } from "node:fs/promises";
import path from "node:path";
import { Code, ConnectError, type Client, type Interceptor } from "@connectrpc/connect";
import type pg from "pg";
import { createToken, findToken } from "#central/operator/operator-service.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createRandomKey, keepSecret, replaceSecret } from "./keep-secret.ts";
import { updateAddresses } from "./sql/update-addresses.ts";

export const local = { environment: "local", worker: "local", domain: "catapult.localhost" } as const;

export type Operator = Client<typeof OperatorService>;

/** A write token for this machine's operator, kept in the state folder; another one when the database does not know it (any more). */
export async function keepToken(pool: pg.Pool, stateDir: string): Promise<string> {
  const kept = await keepSecret(stateDir, "token", async () => makeToken(pool));
  if (await findToken(pool, kept.value)) return kept.value;
  const token = await makeToken(pool);
  await replaceSecret(kept.file, token);
  return token;
}

/** A name never means two tokens, so each gets its own. */
async function makeToken(pool: pg.Pool): Promise<string> {
  return createToken(pool, {
    name: `up-${createRandomKey()
      .slice(0, 8)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, "0")}`,
    scope: "write",
  });
}

export function createOperatorClient(o: { url: string; ca: string; token: string }): Operator & { close(): void } {
  const bearer: Interceptor = (next) => async (request) => {
    request.header.set("Authorization", `Bearer ${o.token}`);
    return next(request);
  };
  return createServiceClient(OperatorService, { url: o.url, ca: o.ca, interceptors: [bearer] });
}

/** The environment and the worker of this machine, as they are now; answers the worker's key file. */
export async function keepWorker(o: {
  operator: Operator;
  pool: pg.Pool;
  stateDir: string;
  sitesUrl: string;
  endpoint: string;
}): Promise<string> {
  await unless(Code.AlreadyExists, async () =>
    o.operator.createEnvironment({
      environment: { name: local.environment, domainSuffixes: [local.domain], sitesUrl: o.sitesUrl },
    }),
  );
  const { workers } = await o.operator.listWorkers({});
  const known = workers.some((each) => each.id === local.worker);
  const keyFile = path.join(o.stateDir, "worker-key.json");
  const hasKeys = (await stat(keyFile).catch(() => undefined)) !== undefined;
  if (!known || !hasKeys) {
    // Its keys are shown once: a worker whose file is gone is made anew.
    if (known) await o.operator.deleteWorker({ id: local.worker });
    const worker = { id: local.worker, environment: local.environment, endpoint: o.endpoint, enabled: true };
    await replaceSecret(keyFile, (await o.operator.createWorker({ worker })).keyFile);
  }
  await updateAddresses(o.pool, {
    environment: local.environment,
    sitesUrl: o.sitesUrl,
    worker: local.worker,
    endpoint: o.endpoint,
  });
  return keyFile;
}

/** Has a repository's default branch and pull requests deployed here. */
export async function keepConfig(
  operator: Operator,
  repository: { owner: string; name: string },
): Promise<{ productionUrl: string; previewLabel: string }> {
  const { owner, name } = repository;
  const wanted = { githubOrg: owner, githubRepo: name, environment: local.environment, domain: local.domain, subdomain: name };
  await unless(Code.AlreadyExists, async () => operator.createDeploymentConfig({ deploymentConfig: wanted }));
  const { deploymentConfigs } = await operator.listDeploymentConfigs({});
  const config = deploymentConfigs.find((each) => each.githubOrg === owner && each.githubRepo === name);
  if (!config) throw new Error(`Central says that ${owner}/${name} has a deployment config, but does not list it.`);
  return config;
}

async function unless<T>(code: Code, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConnectError && error.code === code) return undefined;
    throw error;
  }
}
