import type { HttpHandler } from "#common/rpc/server.ts";
import type { Readiness } from "#worker/accept/readiness.ts";

/** `/healthz`: the process answers. `/readyz`: it can take builds, else what is missing. */
export function createHttpHandler(readiness: Readiness): HttpHandler {
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    if (request.url !== "/healthz" && request.url !== "/readyz") return false;
    const problems = request.url === "/readyz" ? await readiness.check() : [];
    response.writeHead(problems.length === 0 ? 200 : 503, {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
    });
    response.end(problems.length === 0 ? "ok\n" : `not ready\n${problems.join("\n")}\n`);
    return true;
  };
}
