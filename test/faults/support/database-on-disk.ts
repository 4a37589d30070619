import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { removePostgres, startPostgres } from "#local/postgres/start-postgres.ts";
import { mountLoopDisk, type LoopDisk } from "#test/support/loop-disk.ts";

const run = promisify(execFile);

/** A PostgreSQL with all that it has, its tables and its log, on a disk that may be filled. */
export type DatabaseOnDisk = {
  readonly disk: LoopDisk;
  readonly url: string;
  /** Starts it again if it ended itself: without room for its log it does. Answers whether it had to. */
  revive(): Promise<boolean>;
  remove(): Promise<void>;
};

/** It keeps its promises over a crash, unlike the one that the tests share. */
export async function startDatabaseOnDisk(bytes: number): Promise<DatabaseOnDisk> {
  const stateDir = await mkdtemp(join(tmpdir(), "catapult-database-"));
  const undo: (() => Promise<unknown>)[] = [() => rm(stateDir, { recursive: true, force: true })];
  const remove = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const log = (): void => undefined;
    const first = await startPostgres({ stateDir, log });
    undo.push(() => removePostgres(stateDir));
    await first.stop();
    const data = join(await realpath(join(stateDir, "postgres")), "data");
    const { uid, gid } = await stat(data);
    const disk = await mountLoopDisk({ bytes, owner: { uid, gid } });
    undo.push(() => disk.remove());
    const moved = join(disk.folder, "data");
    await mkdir(moved, { mode: 0o700 });
    await run("cp", ["-a", ...(await readdir(data)).map((name) => join(data, name)), moved]);
    await run("chown", [`${uid}:${gid}`, moved]);
    await rm(data, { recursive: true });
    await symlink(moved, data);
    let postgres = await startPostgres({ stateDir, port: first.port, log });
    undo.push(() => postgres.stop());
    return {
      disk,
      url: postgres.url,
      async revive() {
        if (await answers(postgres.url)) return false;
        await postgres.stop();
        postgres = await startPostgres({ stateDir, port: first.port, log });
        return true;
      },
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
