import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { authenticate } from "../auth/authenticate.ts";
import type { Actor } from "../auth/actor.ts";
import type { ForgeContext } from "../context.ts";
import { appRoutes } from "../endpoints/app.ts";
import { deliveryRoutes } from "../endpoints/deliveries.ts";
import { contentRoutes } from "../endpoints/contents.ts";
import { gitDataRoutes } from "../endpoints/git-data.ts";
import { installationRoutes } from "../endpoints/installation.ts";
import { issueCommentRoutes } from "../endpoints/issue-comments.ts";
import { pullRoutes } from "../endpoints/pulls.ts";
import { repositoryRoutes } from "../endpoints/repositories.ts";
import { userRoutes } from "../endpoints/user.ts";
import { HttpError, notFound } from "./errors.ts";
import { readRequestBody } from "./read-body.ts";
import type { Answer } from "./answer.ts";
import { bodyReader, matchRoute } from "./route.ts";

const routes = [
  ...appRoutes,
  ...deliveryRoutes,
  ...installationRoutes,
  ...repositoryRoutes,
  ...gitDataRoutes,
  ...contentRoutes,
  ...pullRoutes,
  ...issueCommentRoutes,
  ...userRoutes,
];

const hourlyLimit = 5000;

export type ApiServer = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

/** Answers the REST API: who calls, then the faults that a test set, then the endpoint, in GitHub's headers. */
export function createApiServer(context: ForgeContext): ApiServer {
  // Counted and told as GitHub does, but never enforced: a load test needs more than 5,000 calls.
  const used = new Map<string, { reset: number; count: number }>();

  function countCall(actor: Actor): Record<string, string> {
    const now = Math.floor(context.clock().getTime() / 1000);
    const key =
      actor.kind === "installation" ? `i${actor.installation.id}` : actor.kind === "user" ? `u${actor.account.id}` : actor.kind;
    const entry = used.get(key);
    const current = entry === undefined || entry.reset <= now ? { reset: now + 3600, count: 0 } : entry;
    current.count++;
    used.set(key, current);
    return {
      "x-ratelimit-limit": String(hourlyLimit),
      "x-ratelimit-remaining": String(Math.max(0, hourlyLimit - current.count)),
      "x-ratelimit-used": String(current.count),
      "x-ratelimit-reset": String(current.reset),
      "x-ratelimit-resource": "core",
    };
  }

  return async (request, response, path) => {
    const method = request.method ?? "GET";
    let rate: Record<string, string> = {};
    let answer: Answer | undefined;
    try {
      const raw = await readRequestBody(request);
      if (request.headers["user-agent"] === undefined)
        throw new HttpError(
          403,
          "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        );
      const actor = authenticate(context, request.headers.authorization);
      rate = countCall(actor);
      const url = new URL(request.url ?? "/", context.urls.web);
      answer = await context.faults.run(method, path, async () => {
        for (const route of routes) {
          const parameters = route.method === method ? matchRoute(route, path) : undefined;
          if (parameters === undefined) continue;
          const accept = request.headers.accept ?? "";
          return await answerHttpErrors(() =>
            route.handle({ context, actor, parameters, query: url.searchParams, url, accept, body: bodyReader(raw) }),
          );
        }
        return renderError(notFound());
      });
    } catch (error) {
      if (!(error instanceof HttpError))
        context.log(`${method} ${path} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      answer = renderError(error instanceof HttpError ? error : new HttpError(500, "Server Error"));
    }
    if (answer === undefined) {
      response.destroy();
      return;
    }
    writeAnswer(response, answer, rate);
  };
}

async function answerHttpErrors(handle: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof HttpError) return renderError(error);
    throw error;
  }
}

function renderError(error: HttpError): Answer {
  return { status: error.status, body: error.body, headers: error.headers };
}

function writeAnswer(response: ServerResponse, answer: Answer, rate: Record<string, string>): void {
  const text = answer.text ?? (answer.body === undefined ? "" : JSON.stringify(answer.body));
  response.writeHead(answer.status, {
    server: "github.com",
    ...(answer.status === 204
      ? {}
      : { "content-type": answer.text === undefined ? "application/json; charset=utf-8" : "application/vnd.github.sha" }),
    ...(answer.status === 204 ? {} : { "content-length": String(Buffer.byteLength(text)) }),
    "x-github-request-id": randomBytes(16)
      .toString("hex")
      .toUpperCase()
      .replace(/^(.{4})(.{8})(.{8})(.{4}).*$/, "$1:$2:$3:$4"),
    "x-github-media-type": "github.v3; format=json",
    "x-github-api-version-selected": "2022-11-28",
    "x-content-type-options": "nosniff",
    "cache-control": "private, max-age=60, s-maxage=60",
    ...rate,
    ...answer.headers,
  });
  response.end(text);
}
