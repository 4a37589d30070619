import { type ConfigRules, decidePullRequest, type DesiredDeployment, type SeenPullRequest } from "./decide.ts";

export type ApprovalDecision =
  | { do: "approve"; desired: DesiredDeployment }
  /** missing: there is no such pull request. not_needed: nothing is to be approved. moved: its head is another commit. */
  | { do: "refuse"; why: "missing" | "not_needed" | "moved"; reason: string };

/**
 * Whether an approval of one exact commit holds for a pull request as GitHub shows it now. Who approves was checked before; what they saw is
 * compared here, so that a push between their look and their word is not built on it.
 */
export function decideApproval(config: ConfigRules, seen: SeenPullRequest | undefined, commit: string): ApprovalDecision {
  if (seen === undefined) return { do: "refuse", why: "missing", reason: "GitHub has no such pull request" };
  if (!seen.open) return { do: "refuse", why: "not_needed", reason: "the pull request is closed" };
  const decision = decidePullRequest(config, seen);
  if (decision.do === "ignore" || decision.do === "reject") return { do: "refuse", why: "not_needed", reason: decision.reason };
  if (decision.do !== "deploy" || decision.desired.trust !== "fork") {
    return { do: "refuse", why: "not_needed", reason: "the pull request is not from a fork and needs no approval" };
  }
  if (decision.desired.commit !== commit) {
    return { do: "refuse", why: "moved", reason: `the pull request's head is ${decision.desired.commit} now, not ${commit}` };
  }
  return { do: "approve", desired: decision.desired };
}
