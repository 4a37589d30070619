import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** honest: as Caddy answers. 500 and 412: each write is refused so. hang: no answer to anything. */
export type Lie = "honest" | "500" | "412" | "hang";

export type LyingAdmin = {
  /** For CADDY_ADMIN. */
  readonly url: string;
  set(lie: Lie): void;
  /** How many requests were lied to. */
  lies(): number;
  stop(): Promise<void>;
};

/** An admin API in front of a Caddy's own, on its unix socket `unix//…`, that may be made to fail. */
export async function startLyingAdmin(admin: () => string): Promise<LyingAdmin> {
  let lie: Lie = "honest";
  let lies = 0;
  const server = createServer((incoming, outgoing) => {
    if (lie !== "honest" && (lie === "hang" || incoming.method !== "GET")) {
      lies++;
      incoming.resume();
      if (lie === "hang") return;
      outgoing.statusCode = Number(lie);
      outgoing.end(`{"error":"an injected ${lie}"}\n`);
      return;
    }
    // Caddy must judge strangers' Hosts and Origins as they come; its own are those of the socket.
    const own = url.slice("http://".length);
    const { host, origin } = incoming.headers;
    const headers = {
      ...incoming.headers,
      host: host === own ? "127.0.0.1" : host,
      ...(origin === undefined ? {} : { origin: origin === url ? "http://127.0.0.1" : origin }),
    };
    const socketPath = admin().slice("unix/".length);
    const sent = request({ socketPath, method: incoming.method, path: incoming.url, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => void chunks.push(chunk));
      answer.on("end", () => {
        // A trailer at Caddy, which only a chunked answer may have.
        outgoing.writeHead(answer.statusCode ?? 502, { etag: answer.trailers["etag"] ?? "" });
        outgoing.end(Buffer.concat(chunks));
      });
    });
    sent.on("error", () => outgoing.destroy());
    incoming.pipe(sent);
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    set: (next) => void (lie = next),
    lies: () => lies,
    async stop() {
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
    },
  };
}
