import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { maxLogLines } from "#central/status/sql/insert-log-lines.ts";
import { temporaryPrefix } from "#worker/publish/site-paths.ts";
import { roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";
import type { Stack, StackWorker } from "../stack.ts";
import type { Finding } from "./finding.ts";
import { lookAtBytes } from "./look-at-bytes.ts";

/** Beside the newest that are kept: the live one of a rollback, one that a killed worker left, and the one that is being made. */
const releasesBeside = 3;

export type CapWatch = {
  /** What went over its cap while the watch ran, each once, with the most that was seen. */
  findings(): Finding[];
  /** How often everything was looked at. */
  looks(): number;
  stop(): Promise<void>;
};

/**
 * I5 at all times: every `everyMs` what lies on the workers' disks and stands in the tables, and every fourth time the containers, the bytes
 * and the inodes, against what they are bounded to. What a build writes is its container's own limit, which attacks on it test.
 */
export function watchCaps(stack: Stack, o: { everyMs?: number } = {}): CapWatch {
  const stopping = new AbortController();
  const worst = new Map<string, { where: string; what: string; most: number; cap: number }>();
  let looks = 0;
  const hold = (where: string, what: string, count: number, cap: number): void => {
    const known = worst.get(`${where} ${what}`);
    if (count > cap && count > (known?.most ?? 0)) worst.set(`${where} ${what}`, { where, what, most: count, cap });
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const worker of stack.workers) {
        await lookAtFiles(worker, hold);
        // A disk or an engine that a fault has stopped is asked again later.
        if (looks % 4 === 1) await lookAtBytes(worker, hold).catch(() => undefined);
        if (looks % 4 === 0) await lookAtContainers(stack, worker, hold).catch(() => undefined);
      }
      await lookAtTables(stack, hold).catch(() => undefined);
      looks += 1;
      await sleep(o.everyMs ?? 250, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    findings: () =>
      [...worst.values()].map(({ where, what, most, cap }) => ({
        invariant: "I5",
        where,
        seen: `${most} ${what} at once, and ${cap} are allowed`,
      })),
    looks: () => looks,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Notes a count that is over its cap. */
export type Hold = (where: string, what: string, count: number, cap: number) => void;

async function lookAtFiles(worker: StackWorker, hold: Hold): Promise<void> {
  const { slots, releasesKeep } = worker.limits;
  hold(worker.id, "clones", (await list(join(worker.stateDirectory, "clones"))).length, slots);
  const folder = join(worker.sitesDirectory, "sites");
  let temporaries = 0;
  for (const id of await list(folder)) {
    const releases = await list(join(folder, id, "releases"));
    const whole = releases.filter((name) => !name.startsWith("."));
    temporaries += releases.filter((name) => name.startsWith(temporaryPrefix)).length;
    hold(worker.id, `releases of site ${id}`, whole.length, releasesKeep + releasesBeside);
  }
  hold(worker.id, "releases under way", temporaries, slots);
}

async function lookAtContainers(stack: Stack, worker: StackWorker, hold: Hold): Promise<void> {
  const networkName = `catapult-${createHash("sha256").update(worker.stateDirectory).digest("hex").slice(0, 8)}`;
  const label = [`${sandboxLabel}=${networkName}`, `${roleLabel}=build`];
  const running = await stack.podman.podman.listContainers({ filters: { label, status: ["running"] } });
  hold(worker.id, "containers that build", running.length, worker.limits.slots);
}

async function lookAtTables(stack: Stack, hold: Hold): Promise<void> {
  const { rows } = await stack.pool.query<{ host: string; running: bigint; queued: bigint }>(
    `select s.host, count(*) filter (where d.state <> 'queued') as running, count(*) filter (where d.state = 'queued') as queued
     from deployment_history d join sites s on s.id = d.site_id
     where d.state in ('queued', 'dispatched', 'cloning', 'building', 'publishing') group by s.host`,
  );
  for (const { host, running, queued } of rows) {
    hold(host, "deployments under way", Number(running), 1);
    hold(host, "deployments queued", Number(queued), 1);
  }
  const { rows: logs } = await stack.pool.query<{ deployment: bigint; lines: bigint }>(
    `select deployment_id as deployment, count(*) as lines from deployment_log_lines group by 1 having count(*) > $1`,
    [maxLogLines],
  );
  for (const { deployment, lines } of logs) hold(`deployment ${deployment}`, "lines of log", Number(lines), Number(maxLogLines));
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
