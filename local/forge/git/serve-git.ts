import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { withRefUpdates } from "../actions/apply-ref-updates.ts";
import { canSee, findRepository, requireAccess } from "../auth/access.ts";
import { authorOf, type Actor } from "../auth/actor.ts";
import { authenticate } from "../auth/authenticate.ts";
import type { ForgeContext } from "../context.ts";
import { HttpError } from "../http/errors.ts";
import type { Repository } from "../state/records.ts";
import { gitEnvironment } from "./run-git.ts";

const pattern = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

export function isGitPath(path: string): boolean {
  return pattern.test(path);
}

/** Serves a repository over smart HTTP by git's own http-backend. Who may do what is decided before it starts. */
export async function serveGit(
  context: ForgeContext,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const [, owner = "", name = "", service = ""] = pattern.exec(url.pathname) ?? [];
  const asked = service === "info/refs" ? url.searchParams.get("service") : service;
  if (asked !== "git-upload-pack" && asked !== "git-receive-pack") {
    refuse(response, 403, "Please upgrade your git client: only smart HTTP is served."); // the dumb protocol
    return;
  }
  const pushing = asked === "git-receive-pack";
  let actor: Actor;
  try {
    actor = authenticate(context, request.headers.authorization);
    if (actor.kind === "app") throw new HttpError(401, "Bad credentials");
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    refuse(response, 401, "Invalid username or token.");
    return;
  }
  const repository = findRepository(context, decodeURIComponent(owner), decodeURIComponent(name));
  // Without a token, what is private and what does not exist look the same.
  if (actor.kind === "anonymous" && (pushing || repository === undefined || repository.private)) {
    refuse(response, 401, "No anonymous access.");
    return;
  }
  if (repository === undefined || !canSee(actor, repository)) {
    refuse(response, 404, "Repository not found.");
    return;
  }
  try {
    requireAccess(actor, repository, { permission: "contents", level: pushing ? "write" : "read" });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    refuse(response, 403, pushing ? "Write access to repository not granted." : "Access to repository not granted.");
    return;
  }
  const run = () => runBackend(context, repository, `/${service}`, url.search.slice(1), actor, request, response);
  if (service === "git-receive-pack") {
    // The answer ends after the push's consequences are stored, so that whoever pushed sees them.
    await withRefUpdates(context, repository, authorOf(actor), run);
  } else await run();
  response.end();
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    ...(status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {}),
  });
  response.end(`${message}\n`);
}

async function runBackend(
  context: ForgeContext,
  repository: Repository,
  service: string,
  query: string,
  actor: Actor,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers } = request;
  const environment: Record<string, string | undefined> = {
    ...gitEnvironment(),
    GIT_PROJECT_ROOT: join(context.directory, "repositories"),
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: `/${repository.id}.git${service}`,
    REQUEST_METHOD: request.method,
    QUERY_STRING: query,
    CONTENT_TYPE: headers["content-type"],
    CONTENT_LENGTH: headers["content-length"],
    HTTP_CONTENT_ENCODING: headers["content-encoding"],
    GIT_PROTOCOL: typeof headers["git-protocol"] === "string" ? headers["git-protocol"] : undefined,
    REMOTE_ADDR: request.socket.remoteAddress,
    REMOTE_USER: actor.kind === "user" ? actor.account.login : actor.kind,
  };
  await new Promise<void>((resolve, reject) => {
    const child = spawn("git", ["http-backend"], { env: environment, stdio: ["pipe", "pipe", "pipe"] });
    // A client that hangs up must not leave git waiting for the rest of its pack.
    const hangUp = () => child.kill();
    response.once("close", hangUp);
    child.stdin.on("error", () => undefined);
    request.pipe(child.stdin);
    let head: Buffer | undefined = Buffer.alloc(0);
    child.stdout.on("data", (chunk: Buffer) => {
      let body = chunk;
      if (head !== undefined) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        writeHead(response, head.subarray(0, end).toString());
        body = head.subarray(end + 4);
        head = undefined;
      }
      if (!response.write(body)) {
        child.stdout.pause();
        response.once("drain", () => child.stdout.resume());
      }
    });
    child.stderr.on("data", (chunk: Buffer) => context.log(`git http-backend: ${chunk.toString().trim()}`));
    child.on("error", reject);
    child.on("close", () => {
      response.off("close", hangUp);
      if (head !== undefined && !response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      resolve();
    });
  });
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  response.writeHead(status, headers);
}
