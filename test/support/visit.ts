import { request } from "node:http";

export type Visit = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

/** Asks Caddy on 127.0.0.1 for a path of a site, by Host as a browser would under *.localhost. */
export function visit(port: number, host: string, path = "/", headers: Record<string, string> = {}): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, agent: false, headers: { host: `${host}:${port}`, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.setTimeout(10_000, () => sent.destroy(new Error(`${host}${path} did not answer in 10 s`)));
    sent.end();
  });
}
