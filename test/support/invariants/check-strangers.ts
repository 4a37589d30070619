import { randomUUID } from "node:crypto";
import { Agent, request } from "node:https";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

/** I7: a webhook without a signature and a report without one are refused, and the tables are as they were. */
export async function checkStrangers(stack: Stack): Promise<Finding[]> {
  const before = await countDeliveries(stack);
  const calls: [string, Record<string, string>][] = [
    ["/webhook/github", { "x-github-event": "push", "x-github-delivery": randomUUID() }],
    ["/catapult.v1.CentralService/ReportStatus", { "connect-protocol-version": "1" }],
  ];
  const findings: Finding[] = [];
  for (const [path, headers] of calls) {
    const status = await post(`${stack.centralUrl}${path}`, stack.ca, headers);
    if (status !== 401)
      findings.push({ invariant: "I7", where: path, seen: `a call without a signature was answered with ${status}` });
  }
  const after = await countDeliveries(stack);
  if (after !== before) findings.push({ invariant: "I7", where: "webhook_deliveries", seen: `${before} became ${after}` });
  return findings;
}

async function countDeliveries(stack: Stack): Promise<string> {
  const { rows } = await stack.pool.query<{ count: bigint }>("select count(*) from webhook_deliveries where body = '{}'");
  return String(rows[0]?.count);
}

function post(url: string, ca: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca, keepAlive: false });
    const sent = request(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json", ...headers } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on("error", reject);
    sent.end("{}");
  });
}
