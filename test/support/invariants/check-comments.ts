import { renderComment } from "#central/comment/render-comment.ts";
import { selectCommentState } from "#central/comment/sql/select-comment-state.ts";
import { selectLogTail } from "#central/comment/sql/select-log-tail.ts";
import { siteUrl } from "#central/dispatch/site-url.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";
import { selectSites } from "./select-sites.ts";

/** I4: each pull request that has a site has exactly one comment by the App, and it says what the tables say. */
export async function checkComments(stack: Stack): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { id, owner, name, pullRequest } of await selectSites(stack)) {
    if (pullRequest === null) continue;
    const where = `${owner}/${name}#${pullRequest}`;
    const all = await stack.forge.comments({ owner, name, number: Number(pullRequest) });
    const ours = all.filter(({ user }) => user === "catapult[bot]");
    if (ours.length !== 1) {
      findings.push({ invariant: "I4", where, seen: `it has ${ours.length} comments by the App` });
      continue;
    }
    const said = await render(stack, id);
    if (said !== undefined && ours[0]?.body !== said)
      findings.push({ invariant: "I4", where, seen: `the comment is\n${ours[0]?.body}\nand the tables say\n${said}` });
  }
  return findings;
}

async function render(stack: Stack, siteId: bigint): Promise<string | undefined> {
  const target = await selectCommentState(stack.pool, siteId);
  if (target === undefined) return undefined;
  const failed = target.newest?.state === "failed" && target.deploymentId !== null;
  const logTail = failed && target.deploymentId !== null ? await selectLogTail(stack.pool, target.deploymentId, 40) : [];
  return renderComment({ ...target, url: siteUrl(target.sitesUrl, target.host), logTail });
}
