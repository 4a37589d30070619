import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../stack.ts";
import { visit } from "../visit.ts";
import type { Finding } from "./finding.ts";
import { watchCaps } from "./watch-caps.ts";

/** The same answer, so many times in a row. */
export type Sighting = { path: string; status: number; digest: string; excerpt: string; from: number; to: number; count: number };

export type SiteWatch = {
  /** What each host answered, oldest first. A connection that Caddy refused is no answer, and is left out. */
  sightings(): ReadonlyMap<string, readonly Sighting[]>;
  count(): number;
  /** What went over its cap meanwhile (I5). */
  excesses(): Finding[];
  stop(): Promise<void>;
};

export function digestOf(body: string | Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

/** How often a preview at rest is asked, and for how long nothing has then happened to it. */
const idleMs = 250;
const restMs = 5_000;

/**
 * Asks every host that the tables know, each without a pause longer than `everyMs` (20), and remembers what came. Requests to one host
 * never overlap, so a later sighting was served later. Previews at rest, which have nothing under way and whose row has not changed for
 * 5 s, are asked less often, or a file would spend its time on the sites of the tests before; those removed before the watch began not at all.
 * Caps are watched beside it.
 */
export function watchSites(stack: Stack, o: { everyMs?: number; paths?: string[] } = {}): SiteWatch {
  const everyMs = o.everyMs ?? 20;
  const paths = o.paths ?? ["/"];
  const seen = new Map<string, Sighting[]>();
  const running: Promise<void>[] = [];
  const stopping = new AbortController();
  const caps = watchCaps(stack);
  const touched = new Map<string, number>();
  const isAtRest = (host: string): boolean => performance.now() - (touched.get(host) ?? -Infinity) > restMs;
  let count = 0;

  const look = async (host: string, port: number, path: string): Promise<void> => {
    const answer = await visit(port, host, path).catch(() => undefined);
    if (answer === undefined) return;
    count += 1;
    const all = seen.get(host) ?? [];
    seen.set(host, all);
    const digest = digestOf(answer.body);
    const at = Date.now();
    const last = all.findLast((one) => one.path === path);
    // Only a run that nothing else of this host came after may grow.
    if (last !== undefined && last.status === answer.status && last.digest === digest && isNewestOf(all, last, paths.length)) {
      last.to = at;
      last.count += 1;
    } else all.push({ path, status: answer.status, digest, excerpt: answer.body.slice(0, 120), from: at, to: at, count: 1 });
  };
  const follow = async (host: string, port: number): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      const began = performance.now();
      await look(host, port, paths[turn % paths.length] ?? "/");
      await sleep(Math.max(0, everyMs - (performance.now() - began)));
      // In short sleeps: a host that something happens to is not asked late.
      while (isAtRest(host) && performance.now() - began < idleMs && !stopping.signal.aborted) await sleep(everyMs);
    }
  };
  const discover = async (): Promise<void> => {
    const known = new Map<string, string>();
    const followed = new Set<string>();
    for (let isFirst = true; !stopping.signal.aborted; isFirst = false) {
      const sites = await selectVersions(stack);
      for (const { host, environment, kind, state, version, busy } of sites) {
        if (!isFirst && known.get(host) !== version) touched.set(host, performance.now());
        if (kind === "production" || busy) touched.set(host, performance.now());
        known.set(host, version);
        const worker = stack.workers.find((one) => one.environment === environment);
        if (followed.has(host) || worker === undefined || (state === "removed" && !touched.has(host))) continue;
        followed.add(host);
        running.push(follow(host, worker.sitesPort));
      }
      await sleep(100);
    }
  };
  running.push(discover());
  return {
    sightings: () => seen,
    count: () => count,
    excesses: () => caps.findings(),
    async stop() {
      stopping.abort();
      await caps.stop();
      // A site that was found meanwhile adds itself.
      while (running.length > 0) await running.pop();
    },
  };
}

type SiteVersion = { host: string; environment: string; kind: string; state: string; version: string; busy: boolean };

/** None while the database does not answer. */
async function selectVersions(stack: Stack): Promise<SiteVersion[]> {
  const { rows } = await stack.pool
    .query<SiteVersion>(
      `select s.host, e.name as environment, s.kind, s.state, s.generation || ' ' || s.state || ' ' || coalesce(s.live_deployment, 0) as version,
         exists (select from deployment_history d where d.site_id = s.id
           and d.state in ('queued', 'dispatched', 'cloning', 'building', 'publishing')) as busy
       from sites s
       join deployment_config c on c.id = s.config_id join environments e on e.id = c.environment_id`,
    )
    .catch(() => ({ rows: [] }));
  return rows;
}

function isNewestOf(all: readonly Sighting[], one: Sighting, paths: number): boolean {
  return paths === 1 ? all.at(-1) === one : all.slice(-paths).includes(one);
}
