import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { probe } from "./probe.ts";
import { selectLogLines } from "./sql/select-log-lines.ts";
import { selectPreview, type PreviewRow } from "./sql/select-preview.ts";

const deadlineMs = 15 * 60_000;

/** The preview did not come; the message says how far it got. */
export class PreviewError extends Error {
  override name = "PreviewError";
}

/** What became of the preview: it is served, its build failed (the site's fault, said in its comment), or its pull request is closed. */
export type Preview = { kind: "live" | "failed" | "closed"; host: string };

/** Waits until the pull request's preview answers, and prints its build's log as it comes. */
export async function waitForPreview(o: {
  pool: pg.Pool;
  repository: { owner: string; name: string };
  pullRequest: number;
  sitesPort: number;
  print: (line: string) => void;
  signal: AbortSignal;
}): Promise<Preview> {
  const deadline = performance.now() + deadlineMs;
  let shown = { deployment: 0n, line: 0n };
  let row: PreviewRow | undefined;
  let first = true;
  while (performance.now() < deadline && !o.signal.aborted) {
    row = await selectPreview(o.pool, { ...o.repository, pullRequest: o.pullRequest });
    const end = row && (await judge(row, o.sitesPort));
    // The log of a build that was over before the first look is an earlier run's.
    if (row?.deployment_id != null && !(first && end)) shown = await printLog(o, row.deployment_id, shown);
    if (end) return end;
    first = false;
    await sleep(200);
  }
  const state = row ? `its newest deployment is ${row.deployment_state ?? "not there yet"}` : "Central does not know it yet";
  throw new PreviewError(`The preview of ${o.repository.owner}/${o.repository.name}#${o.pullRequest} is not there: ${state}.`);
}

async function judge(row: PreviewRow, sitesPort: number): Promise<Preview | undefined> {
  if (row.state !== "wanted") return { kind: "closed", host: row.host };
  const answer = row.live ? await probe(`http://127.0.0.1:${sitesPort}/`, { host: row.host }) : undefined;
  if (answer?.status === 200) return { kind: "live", host: row.host };
  if (!row.live && (row.deployment_state === "failed" || row.deployment_state === "canceled"))
    return { kind: "failed", host: row.host };
  return undefined;
}

async function printLog(
  o: { pool: pg.Pool; print: (line: string) => void },
  deployment: bigint,
  shown: { deployment: bigint; line: bigint },
): Promise<{ deployment: bigint; line: bigint }> {
  const after = shown.deployment === deployment ? shown.line : 0n;
  const lines = await selectLogLines(o.pool, { deploymentId: deployment, after });
  for (const { line } of lines) o.print(line);
  return { deployment, line: lines.at(-1)?.line_number ?? after };
}
