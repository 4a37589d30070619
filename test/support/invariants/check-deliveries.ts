import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

/** I1: every delivery that was answered with 2xx is stored and has ended. */
export async function checkDeliveries(stack: Stack): Promise<Finding[]> {
  const { rows } = await stack.pool.query<{ guid: string; event: string; state: string; attempts: number }>(
    "select guid, event, state, attempts from webhook_deliveries",
  );
  const findings: Finding[] = rows
    .filter(({ state }) => state === "received")
    .map(({ guid, event, attempts }) => ({
      invariant: "I1",
      where: `delivery ${guid}`,
      seen: `${event} is still to be done after ${attempts} attempts`,
    }));
  const stored = new Set(rows.map(({ guid }) => guid));
  for (const { guid, event, statusCode } of await stack.forge.deliveries())
    if (statusCode >= 200 && statusCode < 300 && !stored.has(guid))
      findings.push({
        invariant: "I1",
        where: `delivery ${guid}`,
        seen: `${event} was answered with ${statusCode} and is not stored`,
      });
  return findings;
}
