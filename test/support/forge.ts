import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { App } from "@octokit/app";
import { Octokit } from "@octokit/rest";
import { type Forge, startForge } from "#local/forge/start-forge.ts";

export type Received = { headers: IncomingHttpHeaders; raw: string; event: string; payload: Record<string, unknown> };

export const webhookSecret = "It's a Secret to Everybody";

/** A forge with one repository `acme/site` that the App is installed on, a user `ann` who may push, and a receiver of its webhooks. */
export async function startTestForge(o: { clock?: () => Date } = {}) {
  const directory = await mkdtemp(join(tmpdir(), "forge-"));
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const received: Received[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks).toString();
      received.push({
        headers: request.headers,
        raw,
        event: String(request.headers["x-github-event"]),
        payload: JSON.parse(raw),
      });
      response.writeHead(202).end("accepted");
    });
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const address = receiver.address();
  if (address === null || typeof address === "string") throw new Error("The receiver has no port.");
  const webhookUrl = `http://127.0.0.1:${address.port}/webhook/github`;
  const start = (): Promise<Forge> =>
    startForge({ directory, webhookUrl, webhookSecret, app: { id: "4711", publicKey }, log: () => undefined, ...o });
  let forge = await start();
  const { token } = await forge.createUser({ login: "ann" });
  const repository = await forge.createRepository({ owner: "acme", name: "site", files: { "index.html": "one\n" } });
  await forge.addCollaborator({ owner: "acme", name: "site", login: "ann", permission: "write" });
  const { installationId } = await forge.installApp({ owner: "acme", name: "site" });
  return {
    directory,
    received,
    token,
    repository,
    installationId,
    privateKey,
    get forge() {
      return forge;
    },
    async restart() {
      await forge.stop();
      forge = await start();
    },
    ann: () => new Octokit({ baseUrl: forge.apiUrl, auth: token, log: quiet }),
    anonymous: () => new Octokit({ baseUrl: forge.apiUrl, log: quiet }),
    withToken: (auth: string) => new Octokit({ baseUrl: forge.apiUrl, auth, log: quiet }),
    app: (key = privateKey) =>
      new App({ appId: "4711", privateKey: key, Octokit: Octokit.defaults({ baseUrl: forge.apiUrl, log: quiet }) }),
    /** A fresh installation token, narrowed as asked. */
    async mint(narrow: { repository_ids?: number[]; permissions?: Record<string, "read" | "write"> } = {}): Promise<string> {
      const app = new App({ appId: "4711", privateKey, Octokit: Octokit.defaults({ baseUrl: forge.apiUrl, log: quiet }) });
      const { data } = await app.octokit.request("POST /app/installations/{installation_id}/access_tokens", {
        installation_id: installationId,
        ...narrow,
      });
      return data.token;
    },
    async stop() {
      await forge.stop();
      receiver.close();
      receiver.closeAllConnections();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type TestForge = Awaited<ReturnType<typeof startTestForge>>;

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const run = promisify(execFile);

/** Real git, without the machine's configuration and without a prompt. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Ann",
    GIT_AUTHOR_EMAIL: "ann@example.org",
    GIT_COMMITTER_NAME: "Ann",
    GIT_COMMITTER_EMAIL: "ann@example.org",
  };
  return (await run("git", args, { cwd, env, timeout: 30_000 })).stdout;
}

/** The clone URL with a name and a token in it: for tests only, a program hands it over by header. */
export function urlWithToken(url: string, user: string, token: string): string {
  return url.replace("://", `://${user}:${token}@`);
}
