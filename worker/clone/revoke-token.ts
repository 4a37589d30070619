import { request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";

/** Ends the clone's installation token; it would live for an hour more. Fails with what GitHub answered. */
export function revokeToken(o: { apiUrl: string; token: string; ca?: string[] }): Promise<void> {
  const url = new URL(`${o.apiUrl.replace(/\/$/, "")}/installation/token`);
  const options: RequestOptions & { ca?: string[] } = {
    method: "DELETE",
    headers: {
      authorization: `Bearer ${o.token}`,
      accept: "application/vnd.github+json",
      "user-agent": "catapult-worker",
      "content-length": 0,
    },
    agent: false,
    signal: AbortSignal.timeout(15_000),
    ...(o.ca === undefined ? {} : { ca: o.ca }),
  };
  const send = url.protocol === "http:" ? requestHttp : requestHttps;
  return new Promise((settle, refuse) => {
    const call = send(url, options, (response) => {
      response.resume();
      response.once("close", () => {
        // 401: it has ended already.
        if (response.statusCode === 204 || response.statusCode === 401) settle();
        else refuse(new Error(`DELETE ${url.href} (revoking the clone's token) answered ${response.statusCode}`));
      });
    });
    call.once("error", (cause) =>
      refuse(new Error(`DELETE ${url.href} (revoking the clone's token) failed: ${cause.message}`, { cause })),
    );
    call.end();
  });
}
