import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { readConfig } from "#common/config/read-config.ts";
import { findFreePort, isPortFree } from "../free-port.ts";
import { portVariables } from "./up-variables.ts";

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
  const given = readConfig(env, portVariables);
  const file = path.join(stateDir, "ports.json");
  const known = readPorts(await readFile(file, "utf8").catch(() => "{}"));
  const ports: Ports = { postgres: 0, central: 0, centralMetrics: 0, worker: 0, workerMetrics: 0, sites: 0, forge: 0 };
  for (const part of parts) {
    const taken = new Set(Object.values(ports));
    const { name } = portVariables[part];
    const wanted = given[part];
    ports[part] =
      wanted === undefined ? ((await keep(known[part], taken)) ?? (await pick(taken))) : await checkGiven(name, wanted);
    if (taken.has(ports[part])) throw new PortError(`${name} is ${ports[part]}, which another part has.`);
  }
  await writeFile(file, `${JSON.stringify(ports, undefined, 2)}\n`);
  return ports;
}

async function checkGiven(variable: string, port: number): Promise<number> {
  if (await isPortFree(port)) return port;
  throw new PortError(`${variable} is ${port}, but 127.0.0.1:${port} cannot be listened on: it is taken, or not allowed.`);
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
