import type pg from "pg";

// dispatch: hand a site's newest deployment, or its removal, to its worker. comment: bring a pull request's comment up to date.
// look: compare a config's default branch and open pull requests (or one of them) with the database and repair.
export type Job = {
  task: "dispatch" | "comment" | "look";
  siteId?: bigint;
  configId?: bigint;
  pullRequest?: bigint;
  /** How often in a row the work was put off; the next delay grows with it. */
  attempt?: number;
  delayMs?: number;
  /** A comment that is looked at afresh later, beside whatever else its site's comment waits for: see updateSiteCommentAtGitHub. */
  again?: boolean;
};

/** A queue's row is never deleted, so there is a fixed number of them. */
const queues = 64n;

/**
 * One job per task and subject waits at a time: a newer one takes the place and the time of the one that waits. Only a comment's keeps its
 * time: what waits there may wait because GitHub asked to be left alone. Comments of one site and looks at one config run one after the other;
 * dispatch needs no queue, since every step of it is guarded by the state it comes from.
 */
export async function addJob(client: pg.ClientBase, job: Job): Promise<void> {
  const subject = [job.siteId ?? job.configId, job.pullRequest].filter((part) => part !== undefined).join(":");
  const queue = job.task === "dispatch" ? null : `${job.task}:${(job.siteId ?? job.configId ?? 0n) % queues}`;
  const payload = JSON.stringify({
    siteId: job.siteId?.toString(),
    configId: job.configId?.toString(),
    pullRequest: job.pullRequest?.toString(),
    attempt: job.attempt ?? 0,
    again: job.again ?? false,
  });
  await client.query(
    `select from graphile_worker.add_job($1, $2::json, queue_name := $3, job_key := $4,
       run_at := now() + make_interval(secs => $5::double precision), max_attempts := 12, job_key_mode := $6)`,
    [
      job.task,
      payload,
      queue,
      `${job.task}${job.again === true ? "-again" : ""}:${subject}`,
      (job.delayMs ?? 0) / 1000,
      job.task === "comment" && job.delayMs === undefined ? "preserve_run_at" : "replace",
    ],
  );
}
