import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type GitServer = {
  url: string;
  folder: string;
  /** Each request's line and Authorization. */
  requests: { method: string; url: string; authorization: string | undefined }[];
  /** Commits files to `owner/name` and gives the commit. A value `{ link }` is a symbolic link. */
  commit(repository: string, files: Record<string, string | Buffer | { link: string }>): Promise<string>;
  /** git itself in the bare repository `owner/name`, which is made when it is not there: for what no working tree can hold. */
  git(repository: string, args: string[], input?: string | Buffer): string;
  /** Answers instead of git from now on; `pass` lets git answer, to another body where one is given. */
  intercept(handler: Interceptor | undefined): void;
  stop(): Promise<void>;
};

export type Interceptor = (request: IncomingMessage, response: ServerResponse, pass: (body?: Buffer) => void) => void;

const environment = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.test",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.test",
};

/** Real repositories behind git's own smart HTTP on loopback. */
export async function startGitServer(): Promise<GitServer> {
  const folder = await mkdtemp(join(tmpdir(), "catapult-git-"));
  const requests: GitServer["requests"] = [];
  let handler: Interceptor | undefined;
  const server: Server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", url: request.url ?? "", authorization: request.headers.authorization });
    const answer = (body?: Buffer): void => {
      if ((request.url ?? "").includes(".git/")) serveGit(join(folder, "bare"), request, response, body);
      else response.writeHead(204).end();
    };
    if (handler === undefined) answer();
    else handler(request, response, answer);
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const initialize = (repository: string): string => {
    const bare = join(folder, "bare", `${repository}.git`);
    execFileSync("git", ["init", "--quiet", "--bare", bare], { env: environment });
    execFileSync("git", ["-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true"], { env: environment });
    return bare;
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    folder,
    requests,
    async commit(repository, files) {
      const work = await mkdtemp(join(folder, "work-"));
      const git = (...args: string[]): string =>
        execFileSync("git", args, { cwd: work, env: environment, encoding: "utf8" }).trim();
      git("init", "--quiet", "--initial-branch=main");
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        if (typeof content === "object" && "link" in content) await symlink(content.link, join(work, path));
        else await writeFile(join(work, path), content);
      }
      git("add", "--all", "--force");
      git("commit", "--quiet", "--allow-empty", "--message=a commit");
      const id = git("rev-parse", "HEAD");
      git("push", "--quiet", "--force", initialize(repository), "HEAD:refs/heads/main");
      await rm(work, { recursive: true });
      return id;
    },
    git: (repository, args, input) =>
      execFileSync("git", ["-C", initialize(repository), ...args], {
        env: environment,
        encoding: "utf8",
        maxBuffer: 2 ** 26,
        ...(input === undefined ? {} : { input }),
      }).trim(),
    intercept: (next) => (handler = next),
    async stop() {
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function serveGit(root: string, request: IncomingMessage, response: ServerResponse, body?: Buffer): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      ...environment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (body === undefined) request.pipe(child.stdin);
  else child.stdin.end(body);
  let head = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const headers = head
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => line.split(": "));
    const status = headers.find(([name]) => name === "Status")?.[1];
    for (const [name, value] of headers) if (name !== undefined && name !== "Status") response.setHeader(name, value ?? "");
    response.writeHead(Number(status?.split(" ")[0] ?? 200));
    return void response.write(head.subarray(end + 4));
  });
  child.once("close", () => response.end());
}
