import { notAccessible, requiresAuthentication } from "../http/errors.ts";
import { paginate } from "../http/paging.ts";
import { noContent } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderRepository } from "../render/repository.ts";

function installationActor(call: Call) {
  if (call.actor.kind === "anonymous") throw requiresAuthentication();
  if (call.actor.kind !== "installation") throw notAccessible();
  return call.actor;
}

/** What an installation's token does to itself. */
export const installationRoutes: Route[] = [
  {
    method: "GET",
    path: "/installation/repositories",
    handle(call) {
      const { installation, token } = installationActor(call);
      const ids = token.repositoryIds ?? installation.repositoryIds;
      const repositories = ids
        .filter((id) => installation.repositoryIds.includes(id))
        .flatMap((id) => call.context.store.repositories.get(id) ?? []);
      return paginate(
        call,
        repositories,
        (each) => renderRepository(call.context, each),
        (page) => ({ total_count: repositories.length, repository_selection: "selected", repositories: page }),
      );
    },
  },
  {
    method: "DELETE",
    path: "/installation/token",
    handle(call) {
      call.context.store.installationTokens.delete(installationActor(call).token.id);
      return noContent;
    },
  },
];
