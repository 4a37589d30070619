import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCaddy } from "#local/caddy/start-caddy.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";

export type TestCaddy = { admin: string; stop(): Promise<void> };

/** A real Caddy with a folder of its own, which goes with it. */
export async function startTestCaddy(): Promise<TestCaddy> {
  const stateDir = await mkdtemp(join(tmpdir(), "catapult-caddy-"));
  const caddy = await startCaddy({ stateDir, log: () => undefined });
  return {
    admin: caddy.admin,
    async stop() {
      await caddy.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** A Caddy whose admin API is configured as an operator's may be. */
export async function startCaddyWith(
  settings: (port: number, folder: string) => object,
): Promise<{ port: number; folder: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "catapult-admin-"));
  const port = await freePort();
  const admin = { listen: `127.0.0.1:${port}`, config: { persist: false }, ...settings(port, folder) };
  await writeFile(join(folder, "caddy.json"), JSON.stringify({ admin }));
  const env = { PATH: process.env["PATH"], HOME: folder };
  const child = spawn("caddy", ["run", "--config", join(folder, "caddy.json")], { env, stdio: "ignore" });
  const reached = admin.listen.startsWith("unix/") ? admin.listen : `http://127.0.0.1:${port}`;
  await eventually(() => createCaddyAdmin(reached).get("/config/"));
  return {
    port,
    folder,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

export type SiteAnswer = { status: number; headers: IncomingHttpHeaders; body: string };

/** One request for a host's page, on a connection of its own. The path is sent as it stands. */
export function getSite(port: number, host: string, path: string, headers: Record<string, string> = {}): Promise<SiteAnswer> {
  return new Promise((settle, refuse) => {
    const call = request({ hostname: "127.0.0.1", port, path, headers: { host, ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", refuse);
      response.once("end", () =>
        settle({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    call.once("error", refuse);
    call.end();
  });
}
