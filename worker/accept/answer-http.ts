import type { HttpHandler } from "#common/rpc/server.ts";
import type { Readiness } from "#worker/accept/readiness.ts";

/** `/healthz`: the process answers. `/readyz`: it can take builds, else what is missing, a line each; Central reads these. */
export function createHttpHandler(readiness: Readiness): HttpHandler {
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    if (request.url !== "/healthz" && request.url !== "/readyz") return false;
    const { problems } = request.url === "/readyz" ? await readiness.check() : { problems: [] };
    response.statusCode = problems.length === 0 ? 200 : 503;
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.setHeader("cache-control", "no-store");
    const body = problems.length === 0 ? "ok\n" : `not ready\n${problems.join("\n")}\n`;
    // The two kinds of response declare `end` apart, so that only one of them can be called.
    if ("stream" in response) response.end(body);
    else response.end(body);
    return true;
  };
}
