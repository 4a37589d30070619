import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { errorCode } from "#common/error-details.ts";
import { removePostgres, startPostgres } from "#local/postgres/start-postgres.ts";
import { keepFailpointRecord } from "./failpoint-record.ts";

declare module "vitest" {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- only an interface can be added to
  export interface ProvidedContext {
    postgresUrl: string;
    /** The database that createMigratedDatabase copies; its first call makes it. */
    migratedTemplate: string;
  }
}

/**
 * One PostgreSQL for the whole run, in a folder of the run's own, so that two runs in one checkout do not meet. A server named by
 * TEST_DATABASE_URL is used instead; DATABASE_URL is never read, because a shell that sourced .catapult/env has it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const checkFailpoints = keepFailpointRecord(project);
  const template = `test_template_${process.pid}`;
  project.provide("migratedTemplate", template);
  const given = process.env["TEST_DATABASE_URL"];
  if (given) {
    project.provide("postgresUrl", given);
    return async () => {
      await dropTemplate(given, template);
      checkFailpoints();
    };
  }
  const parent = path.join(project.config.root, ".catapult", "test");
  await mkdir(parent, { recursive: true });
  await removeDeadRuns(parent);
  const stateDir = path.join(parent, `run-${process.pid}`);
  const server = await startPostgres({ stateDir, durable: false, log: () => undefined });
  project.provide("postgresUrl", server.url);
  return async () => {
    await server.stop();
    await removePostgres(stateDir);
    await rm(stateDir, { recursive: true, force: true });
    checkFailpoints();
  };
}

async function dropTemplate(server: string, template: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`drop database if exists ${template}`);
  } finally {
    await client.end();
  }
}

/** A run that was killed leaves its server and data: its number says whether it still runs. */
async function removeDeadRuns(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    await removePostgres(path.join(parent, name));
    await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
