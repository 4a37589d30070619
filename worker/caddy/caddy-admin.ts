import { request, type IncomingMessage, type RequestOptions } from "node:http";
import { isLoopback } from "#common/rpc/is-loopback.ts";

/** Caddy refused a call or gave no answer. `status` is 0 if there was none; 412 says that the configuration changed meanwhile. */
export class CaddyError extends Error {
  override readonly name = "CaddyError";
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export type CaddyAnswer = { value: unknown; etag: string };

export type CaddyAdmin = {
  /** The configuration at a path, `null` where there is none, with its ETag. */
  get(path: string): Promise<CaddyAnswer>;
  /** Replaces what is at a path (PATCH) or puts it where nothing is (POST). With `ifMatch`, only if nothing changed since. */
  write(method: "PATCH" | "POST", path: string, value: unknown, ifMatch?: string): Promise<void>;
};

/** At 10,000 hosts a change of a rich configuration takes Caddy 1.6 s. Two calls, reading and writing, are over well within 30 s. */
const callTimeoutMs = 10_000;
const answerLimit = 64 * 1024 * 1024;

/** `admin` is CADDY_ADMIN: `http://127.0.0.1:2019` or `unix//path/to.sock`. */
export function createCaddyAdmin(admin: string, timeoutMs = callTimeoutMs): CaddyAdmin {
  const target = parseCaddyAdmin(admin);
  return {
    async get(path) {
      const { body, etag } = await call(target, admin, timeoutMs, "GET", path);
      return { value: body === "" ? null : JSON.parse(body), etag };
    },
    async write(method, path, value, ifMatch) {
      await call(target, admin, timeoutMs, method, path, JSON.stringify(value), ifMatch);
    },
  };
}

export type CaddyTarget = { options: RequestOptions; host: string };

/** How an admin API is reached, and the Host that it expects. Throws at one that other machines may reach. */
export function parseCaddyAdmin(admin: string): CaddyTarget {
  // Caddy compares Host with its origins; for a unix socket newer ones allow this one by themselves, 2.6 wants it in admin.origins.
  if (admin.startsWith("unix//")) return { options: { socketPath: admin.slice("unix/".length) }, host: "127.0.0.1" };
  const url = URL.parse(admin);
  if (url?.protocol !== "http:" || url.pathname !== "/" || url.search !== "") {
    throw new Error("expected http://127.0.0.1:port or unix//path/to/admin.sock");
  }
  // Whoever reaches it decides what is served, and reads and writes files as Caddy: it has no other guard than where it listens.
  if (!isLoopback(url.hostname)) {
    throw new Error("expected a loopback address or a unix socket: who reaches Caddy's admin API decides what is served");
  }
  const port = url.port === "" ? 80 : Number(url.port);
  return { options: { hostname: url.hostname.replace(/^\[|\]$/g, ""), port }, host: url.host };
}

function call(
  target: CaddyTarget,
  admin: string,
  timeoutMs: number,
  method: string,
  path: string,
  body?: string,
  ifMatch?: string,
): Promise<{ body: string; etag: string }> {
  const what = `${method} ${path} at Caddy's admin API (${admin})`;
  return new Promise((settle, refuse) => {
    const fail = (cause: Error): void =>
      refuse(new CaddyError(`${what} got no answer: ${cause.message}. Does Caddy run?`, 0, { cause }));
    const settleAnswer = async (response: IncomingMessage): Promise<void> => {
      const text = await readAll(response);
      const status = response.statusCode ?? 0;
      if (status === 200) settle({ body: text.trim(), etag: readEtag(response) });
      else if (status === 403) {
        refuse(new CaddyError(`${what} was refused (403 ${text.trim()}): put "127.0.0.1" into Caddy's admin.origins`, status));
      } else refuse(new CaddyError(`${what} answered ${status}: ${text.trim().slice(0, 1_000)}`, status));
    };
    const outgoing = request(
      {
        ...target.options,
        method,
        path,
        headers: {
          host: target.host,
          // For a Caddy with enforce_origin, and the newer ones that look at it always.
          origin: `http://${target.host}`,
          ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
          ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
        },
        // A kept connection now and then ends in "socket hang up", as every change swaps Caddy's listeners.
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        void settleAnswer(response).catch(fail);
      },
    );
    outgoing.once("error", fail);
    outgoing.end(body);
  });
}

/** The ETag comes after the body, as a trailer. */
function readEtag(response: IncomingMessage): string {
  return response.trailers["etag"] ?? response.headers.etag ?? "";
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > answerLimit) throw new Error(`the answer is longer than ${answerLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
