import type { ForgeContext } from "../context.ts";
import type { Actor } from "../auth/actor.ts";
import type { Repository } from "../state/records.ts";
import type { Answer } from "./answer.ts";
import { parseBody, type BodyOf, type BodySpec } from "./read-body.ts";

/** What an endpoint sees of a call. */
export type Call = {
  context: ForgeContext;
  actor: Actor;
  parameters: Record<string, string>;
  query: URLSearchParams;
  /** The URL as the caller wrote it, for Link headers. */
  url: URL;
  accept: string;
  body<S extends BodySpec>(spec: S): BodyOf<S>;
};

/** One endpoint of the REST API. `{name}` stands for one path segment, `{name+}` for the rest of the path. */
export type Route = { method: string; path: string; handle(call: Call): Answer | Promise<Answer> };

export type RepositoryCall = Call & { repository: Repository };

const compiled = new WeakMap<Route, RegExp>();

export function matchRoute(route: Route, path: string): Record<string, string> | undefined {
  let pattern = compiled.get(route);
  if (pattern === undefined) {
    const source = route.path.replaceAll(
      /\{(\w+)(\+?)\}/g,
      (_, name: string, rest: string) => `(?<${name}>${rest === "" ? "[^/]+" : ".+"})`,
    );
    pattern = new RegExp(`^${source}$`);
    compiled.set(route, pattern);
  }
  const match = pattern.exec(path);
  if (match === null) return undefined;
  try {
    return Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}

export function bodyReader(raw: Buffer): Call["body"] {
  return (spec) => parseBody(spec, raw);
}
