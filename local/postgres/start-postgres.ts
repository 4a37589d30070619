import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { findFreePort } from "../free-port.ts";
import { copyBinaries, findBinaries } from "./binaries.ts";
import { prepareDataHome, sharedFolder, sharedHome } from "./data-home.ts";
import { initialize, programEnvironment, superuser } from "./initialize.ts";
import { readPostmasterFile, stopLeftOver, stopPostmaster } from "./left-over.ts";
import { ensureSystemUser, type Identity } from "./system-user.ts";

/** PostgreSQL did not come up; the message ends with the last lines of its log. */
export class PostgresStartError extends Error {
  override name = "PostgresStartError";
}

/** A running server. `url` names the empty or last used database `catapult` as its superuser, over TCP on 127.0.0.1. */
export type Postgres = { url: string; port: number; pid: number; stop(): Promise<void> };

/**
 * Starts a real PostgreSQL, whose data, log and password stay in the state folder (as root: data under /var/lib/catapult, see
 * data-home.ts). A server that a killed run left there is stopped first; two starts in one state folder at once are the caller's to
 * prevent. `durable: false` is for tests: no fsync. Measured: first start 1.5 s, later ones 0.1 s, stop 0.05 s.
 */
export async function startPostgres(o: {
  stateDir: string;
  port?: number;
  durable?: boolean;
  log: (line: string) => void;
}): Promise<Postgres> {
  await mkdir(o.stateDir, { recursive: true, mode: 0o700 });
  const stateDir = await realpath(o.stateDir);
  const durable = o.durable ?? true;
  const owner = process.getuid?.() === 0 ? await ensureSystemUser() : undefined;
  const found = await findBinaries();
  const binaries = owner ? await copyBinaries(found, sharedFolder) : found;
  const programs = path.join(binaries.folder, "bin");
  const password = await readPassword(stateDir);
  if (owner && password.fresh) await stopLeftOver(path.join(sharedHome(stateDir), "data"));
  const home = await prepareDataHome({ stateDir, owner, fresh: password.fresh });
  if ((await stopLeftOver(path.join(home, "data"))) === "stopped")
    o.log("stopped the PostgreSQL that an earlier run left behind");
  const { data, created } = await initialize({ programs, home, password: password.value, owner, durable });
  if (created) o.log(`made a new PostgreSQL ${binaries.version} data folder in ${home}`);

  const port = o.port ?? (await findFreePort());
  const logFile = path.join(stateDir, "postgres.log");
  const child = await spawnServer({ programs, data, port, logFile, owner, durable });
  const stop = async (): Promise<void> => stopPostmaster(child.pid!, () => child.exitCode !== null || child.signalCode !== null);
  const url = `postgres://${superuser}:${password.value}@127.0.0.1:${port}/${superuser}`;
  try {
    await waitUntilReady(child, data, logFile);
    await createDatabase(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, pid: child.pid!, stop };
}

/** Removes a stopped server's data, log and password. */
export async function removePostgres(stateDir: string): Promise<void> {
  const resolved = await realpath(stateDir).catch(() => path.resolve(stateDir));
  const homes = [sharedHome(resolved), path.join(resolved, "postgres")];
  for (const home of homes) await stopLeftOver(path.join(home, "data"));
  const files = ["postgres.log", "postgres.log.1", "postgres-password"].map((name) => path.join(resolved, name));
  for (const each of [...homes, ...files]) await rm(each, { recursive: true, force: true });
}

async function readPassword(stateDir: string): Promise<{ value: string; fresh: boolean }> {
  const file = path.join(stateDir, "postgres-password");
  const known = await readFile(file, "utf8").catch(() => "");
  if (known !== "") return { value: known.trim(), fresh: false };
  const value = randomBytes(24).toString("base64url");
  await writeFile(file, value, { mode: 0o600 });
  return { value, fresh: true };
}

async function spawnServer(o: {
  programs: string;
  data: string;
  port: number;
  logFile: string;
  owner: Identity | undefined;
  durable: boolean;
}): Promise<ChildProcess> {
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(o.port),
    // TCP with a password is the one way in: a socket's path could be too long for the system (107 bytes) in a deep clone.
    unix_socket_directories: "",
    max_connections: "200",
    ...(o.durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  await rename(o.logFile, `${o.logFile}.1`).catch(() => undefined);
  const log = await open(o.logFile, "a", 0o600);
  try {
    // Detached: a terminal's Ctrl-C must not reach the database before those that use it.
    const child = spawn(path.join(o.programs, "postgres"), ["-D", o.data, ...flags], {
      ...o.owner,
      cwd: o.data,
      env: programEnvironment,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => {
        reject(new PostgresStartError(`${o.programs}/postgres could not be started: ${cause.message}`, { cause }));
      });
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function waitUntilReady(child: ChildProcess, data: string, logFile: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const file = await readPostmasterFile(data);
    if (file?.pid === child.pid && file?.status === "ready") return;
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > deadline) {
      const what = ended ? `ended with ${child.exitCode ?? child.signalCode} instead of starting` : "was not ready after 60 s";
      const tail = (await readFile(logFile, "utf8").catch(() => "")).trimEnd().split("\n").slice(-15).join("\n");
      throw new PostgresStartError(`PostgreSQL in ${data} ${what}. Its log, ${logFile}, ends:\n${tail}`);
    }
    await sleep(10);
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url.replace(/[^/]*$/, "postgres") });
  await client.connect();
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [superuser]);
    if (rowCount === 0) await client.query(`create database ${superuser}`);
  } finally {
    await client.end();
  }
}
