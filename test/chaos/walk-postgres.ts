import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { removePostgres, startPostgres } from "#local/postgres/start-postgres.ts";

/** A PostgreSQL of the walk's own, to which a walk may do what it likes. */
export type WalkPostgres = {
  createDatabase(): Promise<{ url: string; drop(): Promise<void> }>;
  /** Stops the server and every process of it where it is. */
  pause(): Promise<void>;
  resume(): void;
  /** SIGQUIT: at once, its next start recovers. SIGINT: what is open is rolled back first. */
  end(signal: "SIGQUIT" | "SIGINT"): Promise<void>;
  /** Starts it on its old port if it has ended. */
  start(): Promise<void>;
  /** Ends every connection to one database, from the server's side. */
  terminateBackends(database: string): Promise<void>;
  stop(): Promise<void>;
};

const tries = 3;

export async function startWalkPostgres(o: { stateDir: string }): Promise<WalkPostgres> {
  await mkdir(o.stateDir, { recursive: true });
  let server = await startPostgres({ stateDir: o.stateDir, durable: false, log: () => {} });
  const { url, port } = server;
  let isRunning = true;
  let paused: number[] = [];
  const resume = (): void => {
    for (const pid of paused) send(pid, "SIGCONT");
    paused = [];
  };

  async function query(statement: string, to = url): Promise<void> {
    const client = new Client({ connectionString: to, connectionTimeoutMillis: 5_000, query_timeout: 10_000 });
    // The server may be ended while this waits.
    client.on("error", () => undefined);
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  return {
    async createDatabase() {
      const name = `chaos_${randomBytes(6).toString("hex")}`;
      await query(`create database ${name}`);
      // What was committed must outlive a server that is ended at once; only a machine that loses its power may lose it here.
      await query(`alter database ${name} set synchronous_commit = on`);
      const own = new URL(url);
      own.pathname = `/${name}`;
      return { url: own.href, drop: async () => query(`drop database ${name} with (force)`) };
    },
    async pause() {
      if (!isRunning) return;
      // It first: after that there are no more of them.
      paused = [server.pid];
      send(server.pid, "SIGSTOP");
      for (const pid of await listChildren(server.pid)) {
        paused.push(pid);
        send(pid, "SIGSTOP");
      }
    },
    resume,
    async end(signal) {
      if (!isRunning) return;
      isRunning = false;
      const children = await listChildren(server.pid);
      send(server.pid, signal);
      resume();
      for (const pid of [server.pid, ...children]) while (await isThere(pid)) await sleep(20);
    },
    async start() {
      for (let tried = 1; !isRunning; tried++)
        try {
          server = await startPostgres({ stateDir: o.stateDir, port, durable: false, log: () => {} });
          isRunning = true;
        } catch (error) {
          if (tried === tries) throw error;
        }
    },
    async terminateBackends(database) {
      if (!isRunning || paused.length > 0) return;
      await query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and pid <> pg_backend_pid()`,
      );
    },
    async stop() {
      resume();
      if (isRunning) await server.stop();
      await removePostgres(o.stateDir);
      await rm(o.stateDir, { recursive: true, force: true });
    },
  };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

async function listChildren(parent: number): Promise<number[]> {
  const children: number[] = [];
  for (const name of await readdir("/proc"))
    if (/^\d+$/.test(name) && (await readStat(Number(name)))?.parent === parent) children.push(Number(name));
  return children;
}

/** One that has ended and that nobody has waited for yet is gone too. */
async function isThere(pid: number): Promise<boolean> {
  const stat = await readStat(pid);
  return stat !== undefined && stat.state !== "Z";
}

async function readStat(pid: number): Promise<{ state: string; parent: number } | undefined> {
  const text = await readFile(join("/proc", String(pid), "stat"), "utf8").catch(() => undefined);
  // The name in brackets may hold anything.
  const [state, parent] = text?.slice(text.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === undefined ? undefined : { state, parent: Number(parent) };
}
