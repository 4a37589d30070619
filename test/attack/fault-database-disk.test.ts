import { execFile } from "node:child_process";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { migrate } from "#central/database/migrate.ts";
import { createPool } from "#central/database/pool.ts";
import { createHttpHandler } from "#central/webhook/create-http-handler.ts";
import { createLogger } from "#common/logger.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { elevation } from "#local/podman/elevation.ts";
import { removePostgres, startPostgres } from "#local/postgres/start-postgres.ts";
import { eventually } from "#test/support/eventually.ts";

const run = promisify(execFile);
const log = createLogger({ name: "test", level: "silent" });
const secret = "secret";

async function elevated(command: string[]): Promise<void> {
  const [program = "true", ...rest] = [...elevation(), ...command];
  await run(program, rest);
}

test("fault 25 while PostgreSQL's disk is full a delivery is answered 503 and not stored; what was answered 202 is there, and it goes on by itself", async () => {
  const folder = await mkdtemp("/tmp/catapult-pgdisk-");
  const disk = join(folder, "disk");
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    await mkdir(disk);
    await elevated(["chmod", "755", folder]);
    const postgres = await startPostgres({ stateDir: join(folder, "state"), durable: false, log: () => undefined });
    undo.push(() => removePostgres(join(folder, "state")));
    undo.push(() => postgres.stop());
    const pool = createPool(postgres.url, log);
    undo.push(() => pool.end());
    await migrate(pool, log);
    // The table's own disk: all of PostgreSQL's may lie where an ordinary user can mount nothing.
    const owner = await stat(join(folder, "state/postgres"));
    const options = `size=32m,mode=0700,uid=${owner.uid},gid=${owner.gid}`;
    await elevated(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk]);
    undo.push(() => elevated(["umount", "--lazy", disk]));
    await pool.query(`create tablespace small location '${disk}'`);
    await pool.query("alter table webhook_deliveries set tablespace small");
    const http = createHttpHandler({ pool, secrets: [secret], onStored: () => undefined, log });
    const server = await startRpcServer({
      listen: { host: "127.0.0.1", port: 0 },
      tls: "off",
      routes: () => undefined,
      http,
      log,
    });
    undo.push(() => server.stop(0));
    const taken: string[] = [];
    const post = async (bytes: number): Promise<number> => {
      // What compresses would not fill the disk.
      const body = JSON.stringify({ text: randomBytes(bytes).toString("base64") });
      const guid = randomUUID();
      const answer = await fetch(`http://127.0.0.1:${server.port}/webhook/github`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-github-event": "push",
          "x-github-delivery": guid,
          "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
        },
        body,
      });
      if (answer.status === 202) taken.push(guid);
      return answer.status;
    };
    expect(await post(1_000)).toBe(202);
    await run("sh", ["-c", `head -c 1G /dev/zero >${join(disk, "filler")} 2>/dev/null; true`]);
    const during = [await post(8_000_000), await post(8_000_000)];
    expect(during).toEqual([503, 503]);
    await rm(join(disk, "filler"));
    await eventually(async () => expect(await post(1_000)).toBe(202));
    const { rows } = await pool.query<{ guid: string }>("select guid from webhook_deliveries");
    expect(rows.map(({ guid }) => guid).toSorted()).toEqual(taken.toSorted());
  } finally {
    for (const step of undo.toReversed()) await step();
  }
});
