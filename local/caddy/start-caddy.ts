import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "#common/error-details.ts";

/** A socket's path may be 107 bytes long; Linux refuses the rest. */
const socketPathLimit = 107;

export type LocalCaddy = {
  /** The value for CADDY_ADMIN. */
  admin: string;
  pid: number;
  stop(): Promise<void>;
};

/**
 * Starts a Caddy with an empty configuration, its admin API on a unix socket in a folder that only this user may enter, and its data
 * under `stateDir`. The worker fills in the sites. It runs detached, so that Ctrl-C in a terminal reaches only the one who ends it in order.
 * One that a killed run left on the same socket is ended first.
 */
export async function startCaddy(o: { stateDir: string; log: (line: string) => void }): Promise<LocalCaddy> {
  const folder = join(resolve(o.stateDir), "caddy");
  await mkdir(folder, { recursive: true });
  const socket = join(await createSocketFolder(folder), "admin.sock");
  await stopLeftOver(socket);
  await rm(socket, { force: true });
  const configFile = join(folder, "caddy.json");
  const config = {
    admin: { listen: `unix/${socket}`, origins: ["127.0.0.1"], enforce_origin: true, config: { persist: false } },
    logging: { logs: { default: { level: "WARN" } } },
    storage: { module: "file_system", root: join(folder, "data") },
  };
  await writeFile(configFile, JSON.stringify(config));
  const child = spawn("caddy", ["run", "--config", configFile], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      XDG_DATA_HOME: join(folder, "data"),
      XDG_CONFIG_HOME: join(folder, "config"),
    },
  });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      o.log(line);
    });
  }
  const ended = new Promise<string>((settle) => {
    child.once("error", (error) => settle(`caddy could not be started: ${error.message}`));
    child.once("exit", (code, signal) => settle(`caddy ended with ${signal ?? `code ${code}`}`));
  });
  let end: string | undefined;
  void ended.then((reason) => (end = reason));
  const deadline = performance.now() + 15_000;
  while (!(await answers(socket, "GET", "/config/"))) {
    if (end === undefined && performance.now() > deadline) {
      child.kill("SIGKILL");
      end = "caddy's admin API did not answer in 15 s";
    }
    if (end !== undefined) throw new Error(`${end}; its last words:\n${last.join("\n")}`);
    await sleep(25);
  }
  return {
    admin: `unix/${socket}`,
    pid: child.pid!,
    async stop() {
      if (end === undefined) {
        child.kill("SIGTERM");
        // Caddy waits for open connections without an end; visitors of a machine that is being stopped are cut after 3 s.
        const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
        await ended;
        clearTimeout(timer);
      }
      await rm(socket, { force: true });
    },
  };
}

/** Ends the Caddy that a killed run left in this state folder. */
export async function stopLeftOverCaddy(stateDir: string): Promise<void> {
  const folder = join(resolve(stateDir), "caddy");
  if (await lstat(folder).catch(() => undefined)) await stopLeftOver(join(await createSocketFolder(folder), "admin.sock"));
}

/** The state folder's own if the path is short enough, else one in the folder for temporaries, named after the state folder. */
async function createSocketFolder(folder: string): Promise<string> {
  const own = join(folder, "admin");
  if (Buffer.byteLength(join(own, "admin.sock")) <= socketPathLimit) {
    await mkdir(own, { recursive: true, mode: 0o700 });
    return own;
  }
  const name = `catapult-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`;
  const base = Buffer.byteLength(tmpdir()) <= 40 ? tmpdir() : "/tmp";
  const path = join(base, name);
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (errorCode(error) !== "EEXIST") throw error;
  });
  // Anybody may create names in a shared folder: one that another user made, or a link, is not trusted.
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== userInfo().uid || (found.mode & 0o077) !== 0) {
    throw new Error(`${path} is to hold Caddy's admin socket, but is not a folder of this user with mode 0700; remove it`);
  }
  return path;
}

async function stopLeftOver(socket: string): Promise<void> {
  if (!(await answers(socket, "POST", "/stop"))) return;
  for (let tries = 0; tries < 120 && (await answers(socket, "GET", "/config/")); tries++) await sleep(25);
}

function answers(socket: string, method: string, path: string): Promise<boolean> {
  return new Promise((settle) => {
    const call = request(
      {
        socketPath: socket,
        method,
        path,
        headers: { host: "127.0.0.1", origin: "http://127.0.0.1" },
        agent: false,
        timeout: 2_000,
      },
      (response) => {
        response.resume();
        response.once("close", () => settle(response.statusCode === 200));
      },
    );
    call.once("timeout", () => call.destroy());
    call.once("error", () => settle(false));
    call.end();
  });
}
