import type { Stack } from "#test/support/stack.ts";

/**
 * A build whose container somebody killed fails, as one that the kernel killed for its memory, and says so: its author or an operator deploys it
 * again. That is done here for each site whose newest commit ended so; answers what was deployed again.
 */
export async function redeployKilled(stack: Stack): Promise<string[]> {
  const { rows } = await stack.pool.query<{ id: bigint; host: string; reason: string }>(
    `select d.id, s.host, d.failure_reason as reason from sites s
     join deployment_history d on d.site_id = s.id and d.generation = s.generation
     where s.state = 'wanted' and d.state = 'failed' and d.failure_reason in ('out_of_memory', 'sandbox_failed')`,
  );
  for (const { id } of rows) await stack.operator.redeploy({ id });
  return rows.map(({ host, reason }) => `${host} (${reason})`);
}
