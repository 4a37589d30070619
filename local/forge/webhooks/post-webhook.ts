import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

export type Posted = { statusCode: number; status: string; durationMs: number; headers: Record<string, string>; body: string };

const answerLimit = 64 * 1024;

/** Sends one webhook and tells how that ended; it never throws. Redirects are not followed and nothing is tried again, as at GitHub. */
export async function postWebhook(o: {
  url: string;
  headers: Record<string, string>;
  body: Buffer;
  ca: string | undefined;
  timeoutMs: number;
  signal: AbortSignal;
}): Promise<Posted> {
  const started = performance.now();
  const ended = (statusCode: number, status: string, headers: Record<string, string> = {}, body = ""): Posted => ({
    statusCode,
    status,
    headers,
    body,
    durationMs: performance.now() - started,
  });
  return await new Promise((resolve) => {
    const deadline = AbortSignal.timeout(o.timeoutMs);
    const signal = AbortSignal.any([deadline, o.signal]);
    const fail = (error: Error) =>
      resolve(
        ended(
          0,
          deadline.aborted ? "timed out" : o.signal.aborted ? "the forge stopped" : `failed to connect to host: ${error.message}`,
        ),
      );
    try {
      const url = new URL(o.url);
      const options = {
        method: "POST",
        headers: { ...o.headers, "content-length": String(o.body.length) },
        signal,
        agent: false as const,
      };
      const request =
        url.protocol === "https:"
          ? requestHttps(url, o.ca === undefined ? options : { ...options, ca: o.ca })
          : requestHttp(url, options);
      request.on("error", fail);
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size <= answerLimit) chunks.push(chunk);
        });
        response.on("error", fail);
        response.on("end", () => {
          const code = response.statusCode ?? 0;
          const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
          const status = code >= 200 && code < 300 ? "OK" : `Invalid HTTP Response: ${code}`;
          resolve(ended(code, status, headers, Buffer.concat(chunks).toString()));
        });
      });
      request.end(o.body);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
