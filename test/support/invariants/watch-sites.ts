import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../stack.ts";
import { visit } from "../visit.ts";

/** The same answer, so many times in a row. */
export type Sighting = { path: string; status: number; digest: string; excerpt: string; from: number; to: number; count: number };

export type SiteWatch = {
  /** What each host answered, oldest first. A connection that Caddy refused is no answer, and is left out. */
  sightings(): ReadonlyMap<string, readonly Sighting[]>;
  count(): number;
  stop(): Promise<void>;
};

export function digestOf(body: string | Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

/**
 * Asks every host that the tables know, each without a pause longer than `everyMs` (20), and remembers what came. Requests to one host
 * never overlap, so a later sighting was served later.
 */
export function watchSites(stack: Stack, o: { everyMs?: number; paths?: string[] } = {}): SiteWatch {
  const everyMs = o.everyMs ?? 20;
  const paths = o.paths ?? ["/"];
  const seen = new Map<string, Sighting[]>();
  const running: Promise<void>[] = [];
  const stopping = new AbortController();
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
    }
  };
  const discover = async (): Promise<void> => {
    const known = new Set<string>();
    while (!stopping.signal.aborted) {
      const { rows } = await stack.pool
        .query<{ host: string; environment: string }>(
          `select s.host, e.name as environment from sites s
           join deployment_config c on c.id = s.config_id join environments e on e.id = c.environment_id`,
        )
        .catch(() => ({ rows: [] }));
      for (const { host, environment } of rows) {
        const worker = stack.workers.find((one) => one.environment === environment);
        if (known.has(host) || worker === undefined) continue;
        known.add(host);
        running.push(follow(host, worker.sitesPort));
      }
      await sleep(200);
    }
  };
  running.push(discover());
  return {
    sightings: () => seen,
    count: () => count,
    async stop() {
      stopping.abort();
      // A site that was found meanwhile adds itself.
      while (running.length > 0) await running.pop();
    },
  };
}

function isNewestOf(all: readonly Sighting[], one: Sighting, paths: number): boolean {
  return paths === 1 ? all.at(-1) === one : all.slice(-paths).includes(one);
}
