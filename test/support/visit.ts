import { request } from "node:http";
import { errorCode } from "#common/error-details.ts";

export type Visit = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

/**
 * Asks Caddy on 127.0.0.1 for a path of a site, by Host as a browser would under *.localhost. As browsers do, it asks again when the
 * connection was reset before any byte of an answer: each change of Caddy's hosts swaps its listening socket, and the kernel resets
 * what waits in the old one's queue.
 */
export async function visit(port: number, host: string, path = "/", headers: Record<string, string> = {}): Promise<Visit> {
  for (let tries = 1; ; tries++) {
    try {
      return await visitOnce(port, host, path, headers);
    } catch (error) {
      if (errorCode(error) !== "ECONNRESET" || tries === 5) throw error;
    }
  }
}

/** The same, with every failure seen: for tests that hold a site to answering each request. */
export function visitOnce(port: number, host: string, path = "/", headers: Record<string, string> = {}): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, agent: false, headers: { host: `${host}:${port}`, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
        response.on("error", fail);
      },
    );
    const fail = (cause: Error): void =>
      reject((sent.socket?.bytesRead ?? 0) > 0 ? new AnswerCut(`${host}${path} was cut in its answer`, { cause }) : cause);
    sent.on("error", fail);
    sent.setTimeout(10_000, () => sent.destroy(new Error(`${host}${path} did not answer in 10 s`)));
    sent.end();
  });
}

export class AnswerCut extends Error {
  override name = "AnswerCut";
}
