import { request } from "node:http";
import { parseCaddyAdmin, type CaddyTarget } from "#worker/caddy/caddy-admin.ts";

const answerTimeoutMs = 4_000;

/** Calls that only somebody else than a worker makes. Caddy asks all of them for a known Origin if `enforce_origin` is set, and else none. */
const strangers: { who: string; headers: (host: string) => Record<string, string> }[] = [
  { who: "a call with the Origin of another site", headers: (host) => ({ host, origin: "https://origin.invalid" }) },
  { who: "a call for another Host", headers: () => ({ host: "host.invalid", origin: "http://host.invalid" }) },
  { who: "a call without an Origin", headers: (host) => ({ host }) },
];

/**
 * What is wrong with how Caddy guards its admin API, undefined for nothing: a page in a browser, or whatever else can be made to send a
 * request on this machine, must not decide what is served. The calls read a path that is always there and change nothing.
 */
export async function judgeAdmin(admin: string): Promise<string | undefined> {
  const target = parseCaddyAdmin(admin);
  for (const { who, headers } of strangers) {
    const status = await ask(target, headers(target.host));
    if (status !== 403) {
      return `it answers ${who} (status ${status}, not 403): set "enforce_origin": true in the admin part of Caddy's configuration`;
    }
  }
  return undefined;
}

/** The status alone; no header is added to these. */
function ask(target: CaddyTarget, headers: Record<string, string>): Promise<number> {
  return new Promise((settle, refuse) => {
    const sent = request(
      // Small whatever is served, where /config/ lists every host.
      {
        ...target.options,
        method: "GET",
        path: "/config/admin",
        headers,
        setHost: false,
        agent: false,
        signal: AbortSignal.timeout(answerTimeoutMs),
      },
      (answer) => {
        settle(answer.statusCode ?? 0);
        answer.destroy();
      },
    );
    sent.once("error", (cause) => refuse(new Error(`Caddy's admin API gave no answer: ${cause.message}`, { cause })));
    sent.end();
  });
}
