import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { findFreePort, isPortFree } from "../free-port.ts";

/** What listens, and the environment variable that fixes its port. */
export const portVariables = {
  postgres: "CATAPULT_PORT_POSTGRES",
  central: "CATAPULT_PORT_CENTRAL",
  centralMetrics: "CATAPULT_PORT_CENTRAL_METRICS",
  worker: "CATAPULT_PORT_WORKER",
  workerMetrics: "CATAPULT_PORT_WORKER_METRICS",
  sites: "CATAPULT_PORT_SITES",
  forge: "CATAPULT_PORT_FORGE",
} as const;

export type Ports = Record<keyof typeof portVariables, number>;

const parts = ["postgres", "central", "centralMetrics", "worker", "workerMetrics", "sites", "forge"] as const;

/** A port that was asked for cannot be had. */
export class PortError extends Error {
  override name = "PortError";
}

/**
 * A port for each part: the one that its variable sets, else the one of the last run, so that URLs stay the same, else a free one.
 * One of the last run that somebody else has taken since is replaced; one that was asked for is an error.
 */
export async function choosePorts(stateDir: string, env: NodeJS.ProcessEnv): Promise<Ports> {
  const file = path.join(stateDir, "ports.json");
  const known = readPorts(await readFile(file, "utf8").catch(() => "{}"));
  const ports: Ports = { postgres: 0, central: 0, centralMetrics: 0, worker: 0, workerMetrics: 0, sites: 0, forge: 0 };
  for (const part of parts) {
    const taken = new Set(Object.values(ports));
    ports[part] = (await readGiven(portVariables[part], env)) ?? (await keep(known[part], taken)) ?? (await pick(taken));
    if (taken.has(ports[part])) throw new PortError(`${portVariables[part]} is ${ports[part]}, which another part has.`);
  }
  await writeFile(file, `${JSON.stringify(ports, undefined, 2)}\n`);
  return ports;
}

async function readGiven(variable: string, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const value = env[variable];
  if (!value) return undefined;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (port < 1 || port > 65_535) throw new PortError(`${variable} must be a port number from 1 to 65535.`);
  if (!(await isPortFree(port)))
    throw new PortError(`${variable} is ${port}, but 127.0.0.1:${port} cannot be listened on: it is taken, or not allowed.`);
  return port;
}

async function keep(port: number | undefined, taken: Set<number>): Promise<number | undefined> {
  return port !== undefined && !taken.has(port) && (await isPortFree(port)) ? port : undefined;
}

async function pick(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = await findFreePort();
    if (!taken.has(port)) return port;
  }
}

function readPorts(json: string): Partial<Ports> {
  const value: unknown = JSON.parse(json);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, port]) => typeof port === "number"));
}
