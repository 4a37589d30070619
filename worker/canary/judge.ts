import { sort, type Evidence, type FailedProof, type Findings, type Seen } from "./evidence.ts";
import { judgeFiles } from "./judge-files.ts";
import { judgeLimits } from "./judge-limits.ts";
import { judgeNetwork } from "./judge-network.ts";
import { judgeProcess } from "./judge-process.ts";

export type { Evidence, FailedProof } from "./evidence.ts";

type Check = (evidence: Evidence, seen: Seen) => Findings;

/** Every proof that failed; each is named by what it is about. What the probe did not tell counts as failed. */
export function judge(evidence: Evidence): FailedProof[] {
  const seen = sort(evidence.observations);
  const checks: Check[] = [judgeProcess, judgeFiles, judgeLimits, judgeNetwork];
  const failed: FailedProof[] = [];
  for (const check of checks)
    for (const [proof, detail] of Object.entries(check(evidence, seen))) if (detail !== undefined) failed.push({ proof, detail });
  const errors = evidence.observations.filter((observation) => observation.kind === "error");
  if (errors.length > 0)
    failed.push({ proof: "probe", detail: errors.map(({ during, said }) => `${during}: ${said}`).join("; ") });
  return failed;
}
