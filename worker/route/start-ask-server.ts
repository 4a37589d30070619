import { once } from "node:events";
import { createServer } from "node:http";

export type AskServer = { port: number; stop(): Promise<void> };

/**
 * Tells a Caddy that gets certificates on demand which names are served here: `GET /ask?domain=<host>` is 200 for these and 404 for any other, or
 * whoever points a name at this machine would have certificates ordered for it.
 */
export async function startAskServer(o: {
  listen: { host: string; port: number };
  isServed: (host: string) => boolean;
}): Promise<AskServer> {
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? "", "http://localhost");
    const isAsked = request.method === "GET" && url?.pathname === "/ask";
    const host = url?.searchParams.get("domain") ?? "";
    response.writeHead(isAsked && o.isServed(host) ? 200 : 404).end();
  });
  server.listen(o.listen.port, o.listen.host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : o.listen.port,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
