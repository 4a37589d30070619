import type { ClientBase } from "pg";

/** A pull request's preview with what is known of its comment. */
export async function selectCommentedSite(
  client: ClientBase,
  o: { repositoryId: bigint; pullRequest: bigint },
): Promise<{ id: bigint; commentId: bigint | null; refused: boolean } | undefined> {
  const { rows } = await client.query<{ id: bigint; commentId: bigint | null; refused: boolean }>(
    `select s.id, s.comment_id as "commentId", s.comment_refusal is not null as refused
     from sites s join deployment_config c on c.id = s.config_id
     where c.repository_id = $1 and s.pull_request = $2`,
    [o.repositoryId, o.pullRequest],
  );
  return rows[0];
}
