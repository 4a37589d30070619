import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";

export type Answer = { status: number; body: string };

/**
 * One GET on loopback; undefined when nobody answered. `host` is for sites: no resolver of this machine needs to know them. The body is cut
 * at 64 kB.
 */
export async function probe(
  url: string,
  o: { ca?: string; host?: string; headers?: Record<string, string> } = {},
): Promise<Answer | undefined> {
  const { ca, host, headers } = o;
  const options = {
    agent: false,
    timeout: 5000,
    headers: { ...headers, ...(host === undefined ? {} : { host }) },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve) => {
    const answered = (response: IncomingMessage): void => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body = (body + text).slice(0, 65_536)));
      response.once("close", () => resolve({ status: response.statusCode ?? 0, body }));
    };
    const request = url.startsWith("https:") ? getHttps(url, options, answered) : getHttp(url, options, answered);
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(undefined));
  });
}
