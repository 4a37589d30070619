import type { ForgeContext } from "../context.ts";
import { notFound } from "../http/errors.ts";
import type { Comment } from "../state/records.ts";
import { renderApp } from "./app.ts";
import { renderAssociation } from "./pull-request.ts";
import { fullName, repositoryApiUrl } from "./repository.ts";
import { nodeId, type Schema } from "./schema.ts";
import { renderAuthor } from "./user.ts";

export function renderReactions(url: string) {
  return {
    url: `${url}/reactions`,
    total_count: 0,
    "+1": 0,
    "-1": 0,
    laugh: 0,
    hooray: 0,
    confused: 0,
    heart: 0,
    rocket: 0,
    eyes: 0,
  } satisfies Schema<"reaction-rollup">;
}

export function renderComment(context: ForgeContext, comment: Comment) {
  const repository = context.store.repositories.get(comment.repositoryId);
  if (repository === undefined) throw notFound();
  const api = repositoryApiUrl(context, repository);
  const url = `${api}/issues/comments/${comment.id}`;
  return {
    url,
    html_url: `${context.urls.web}/${fullName(context, repository)}/pull/${comment.number}#issuecomment-${comment.id}`,
    issue_url: `${api}/issues/${comment.number}`,
    id: comment.id,
    node_id: nodeId("IC", comment.id),
    user: renderAuthor(context, comment.author),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: renderAssociation(repository, comment.author),
    body: comment.body,
    reactions: renderReactions(url),
    performed_via_github_app: "app" in comment.author ? renderApp(context) : null,
  } satisfies Schema<"issue-comment">;
}
