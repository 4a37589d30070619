import { repositoryOf } from "../auth/access.ts";
import { readCommit } from "../git/read-commits.ts";
import { readBranch, readRefs, resolveCommit } from "../git/read-refs.ts";
import { runGit } from "../git/run-git.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { HttpError, notFound } from "../http/errors.ts";
import { paginate } from "../http/paging.ts";
import { ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderCommit } from "../render/commit.ts";
import { fullName, repositoryApiUrl } from "../render/repository.ts";
import { nodeId, type Schema } from "../render/schema.ts";

function open(call: Call) {
  const repository = repositoryOf(call, { permission: "contents", level: "read" });
  return {
    repository,
    folder: repositoryFolder(call.context.directory, repository.id),
    api: repositoryApiUrl(call.context, repository),
  };
}

/** Branches, refs and commits, read from git at each call. */
export const gitDataRoutes: Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/branches",
    async handle(call) {
      const { folder, api } = open(call);
      const branches = [...(await readRefs(folder))].filter(([ref]) => ref.startsWith("refs/heads/"));
      return paginate(
        call,
        branches,
        ([ref, sha]) =>
          ({
            name: ref.slice(11),
            commit: { sha, url: `${api}/commits/${sha}` },
            protected: false,
          }) satisfies Schema<"short-branch">,
      );
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/branches/{branch+}",
    async handle(call) {
      const { repository, folder, api } = open(call);
      const name = call.parameters["branch"] ?? "";
      const sha = await readBranch(folder, `refs/heads/${name}`);
      if (sha === undefined) throw new HttpError(404, "Branch not found");
      const url = `${api}/branches/${encodeURIComponent(name)}`;
      return ok({
        name,
        commit: renderCommit(call.context, repository, await readCommit(folder, sha)),
        _links: { self: url, html: `${call.context.urls.web}/${fullName(call.context, repository)}/tree/${name}` },
        protected: false,
        protection: { enabled: false, required_status_checks: { enforcement_level: "off", contexts: [], checks: [] } },
        protection_url: `${url}/protection`,
      } satisfies Schema<"branch-with-protection">);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/git/ref/{ref+}",
    async handle(call) {
      const { repository, folder, api } = open(call);
      const ref = `refs/${call.parameters["ref"] ?? ""}`;
      const pull = /^refs\/pull\/\d+\/head$/.test(ref) ? await resolveCommit(folder, ref.slice(5)) : undefined;
      const sha = pull ?? (await readRefs(folder)).get(ref);
      if (sha === undefined) throw notFound();
      // An annotated tag is an object of its own.
      const type = (await runGit(folder, ["cat-file", "-t", sha])).toString().trim();
      return ok({
        ref,
        node_id: nodeId("REF", repository.id),
        url: `${api}/git/${ref}`,
        object: { sha, type, url: `${api}/git/${type}s/${sha}` },
      } satisfies Schema<"git-ref">);
    },
  },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/commits/{ref+}",
    async handle(call) {
      const { repository, folder } = open(call);
      const name = call.parameters["ref"] ?? "";
      const sha = await resolveCommit(folder, name);
      if (sha === undefined) throw new HttpError(422, `No commit found for SHA: ${name}`);
      if (/application\/vnd\.github\.(?:v3\.)?sha/.test(call.accept)) return { status: 200, text: sha };
      return ok(renderCommit(call.context, repository, await readCommit(folder, sha)));
    },
  },
];
