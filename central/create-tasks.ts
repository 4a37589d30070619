import type { TaskList } from "graphile-worker";
import { updateSiteCommentAtGitHub } from "./comment/update-comment.ts";
import type { DispatchContext } from "./dispatch/dispatch-context.ts";
import { dispatchSite } from "./dispatch/dispatch-site.ts";
import { parsePayload } from "./jobs/parse-payload.ts";
import { lookAtConfig } from "./reconcile/look-at-config.ts";

/** What the queue runs, by the names that addJob knows. */
export function createTasks(o: DispatchContext): TaskList {
  return {
    async dispatch(payload, helpers) {
      const { siteId, attempt } = parsePayload(payload);
      if (siteId !== undefined) await dispatchSite(o, siteId, { attempt, again: helpers.job.attempts > 1 });
    },
    async comment(payload, helpers) {
      const { siteId, attempt, again } = parsePayload(payload);
      if (siteId !== undefined) await updateSiteCommentAtGitHub(o, siteId, { attempt, again, unended: helpers.job.attempts > 1 });
    },
    async look(payload) {
      const { configId, pullRequest, attempt } = parsePayload(payload);
      if (configId !== undefined) await lookAtConfig(o, configId, pullRequest, attempt);
    },
  };
}
