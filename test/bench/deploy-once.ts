import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "#test/support/stack.ts";
import { visit } from "#test/support/visit.ts";

export type Deployed = { totalMs: number; stages: Record<string, number> };
export type BenchRepository = { owner: string; name: string };

/** A repository with a config, whose default branch is live. */
export async function createBenchRepository(
  stack: Stack,
  name: string,
  files: Record<string, string> | { directory: string },
  config: { buildCommand?: string; outputDir?: string } = {},
): Promise<BenchRepository> {
  const repository = { owner: "bench", name };
  await stack.forge.createRepository({ ...repository, files });
  await stack.forge.installApp(repository);
  await stack.operator.createDeploymentConfig({
    deploymentConfig: {
      githubOrg: repository.owner,
      githubRepo: name,
      environment: "one",
      domain: "one.localhost",
      subdomain: name,
      ...config,
    },
  });
  await waitForEnd(stack, `${name}.one.localhost`, 1n);
  return repository;
}

/** Runs `act` and waits until the host's page holds `text`: milliseconds in all, and of each stage as the worker measured it. */
export async function deployOnce(stack: Stack, host: string, text: string, act: () => Promise<unknown>): Promise<Deployed> {
  const start = performance.now();
  await act();
  for (;;) {
    const answer = await visit(stack.workers[0]!.sitesPort, host).catch(() => undefined);
    if (answer?.status === 200 && answer.body.includes(text)) break;
    if (performance.now() - start > 300_000) throw new Error(`${host} did not serve ${text} in 300 s`);
    await sleep(5);
  }
  const totalMs = performance.now() - start;
  return { totalMs, stages: await waitForEnd(stack, host) };
}

async function waitForEnd(stack: Stack, host: string, generation?: bigint): Promise<Record<string, number>> {
  for (;;) {
    const { rows } = await stack.pool.query<{
      state: string;
      stage_timings: Record<string, number>;
      failure_message: string | null;
    }>(
      `select d.state, d.stage_timings, d.failure_message from deployment_history d join sites s on s.id = d.site_id
       where s.host = $1 and d.generation = coalesce($2, s.generation) and d.finished_at is not null`,
      [host, generation ?? null],
    );
    if (rows[0]?.state === "succeeded") return rows[0].stage_timings;
    if (rows[0] !== undefined) throw new Error(`${host}: ${rows[0].state}, ${rows[0].failure_message}`);
    await sleep(20);
  }
}
