import { readFile } from "node:fs/promises";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

/** I6 as far as a stack's own secrets go: none is in a log, and none in a comment. */
export async function checkSecrets(stack: Stack): Promise<Finding[]> {
  const keys = await Promise.all(stack.workers.map(async ({ keyFile }) => readFile(keyFile, "utf8")));
  const secrets = [stack.webhookSecret, stack.token, await readFile(stack.secretKeyFile, "utf8")];
  for (const key of keys) for (const match of key.matchAll(/"key":\s*"([^"]+)"/g)) secrets.push(match[1] ?? "");
  const findings: Finding[] = [];
  for (const daemon of [...stack.centrals, ...stack.workers.map((worker) => worker.daemon)]) {
    const log = await daemon.log();
    for (const secret of secrets)
      if (secret !== "" && log.includes(secret))
        findings.push({ invariant: "I6", where: daemon.logFile, seen: `holds a secret that begins with ${secret.slice(0, 4)}` });
    const token = /ghs_[A-Za-z0-9]{20,}/.exec(log)?.[0];
    if (token !== undefined)
      findings.push({ invariant: "I6", where: daemon.logFile, seen: `holds the token ${token.slice(0, 8)}…` });
  }
  return findings;
}
