import { nextStep } from "#central/decision/compare-with-newest.ts";
import { type ConfigRules, decidePullRequest, type SeenPullRequest } from "#central/decision/decide.ts";
import type { Preview } from "./sql/select-previews.ts";

/** Whether an open pull request, as GitHub lists it, asks for something else than its preview has: only then is it worth a call of its own. */
export function differs(config: ConfigRules, seen: SeenPullRequest, preview: Preview | undefined): boolean {
  const decision = decidePullRequest(config, seen);
  if (decision.do === "remove") return preview !== undefined;
  if (decision.do !== "deploy") return false;
  if (preview === undefined) return true;
  const { commit, held } = decision.desired;
  return preview.pinnedFrom !== commit && nextStep(preview, { commit, held }) !== "nothing";
}
