import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export type RawAnswer = { status: number; headers: NodeJS.Dict<string | string[]>; body: string };

/** One HTTP/1.1 request with exactly these headers (a list value sends the header several times). */
export function sendRaw(o: {
  url: string;
  ca?: string | undefined;
  method?: string;
  headers: Record<string, string | string[]>;
  body: Buffer | string;
}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const send = o.url.startsWith("https:") ? httpsRequest : httpRequest;
    const request = send(o.url, { method: o.method ?? "POST", headers: o.headers, ...(o.ca === undefined ? {} : { ca: o.ca }) });
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    request.end(o.body);
  });
}
