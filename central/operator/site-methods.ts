import type { ServiceImpl } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { readActor, scopeEnvironment } from "./actor.ts";
import { deleteSite } from "./delete-site.ts";
import { siteNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, parseKeyId, readPage } from "./page.ts";
import { kindName, siteMessage, siteStateName } from "./site-messages.ts";
import { selectSiteRow, selectSites } from "./sql/select-sites.ts";

type Methods = "listSites" | "getSite" | "deleteSite";

export function createSiteMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, Methods> {
  const { pool, log } = o;
  return {
    async listSites(request, context) {
      const environment = scopeEnvironment(readActor(context), request.environment);
      const { githubOrg: org, githubRepo: repo } = request;
      const filters = [request.environment, org, repo, request.state, request.kind];
      const page = readPage<[string]>(request, { list: "sites", filters, keys: 1 });
      const filter = { environment, org, repo, state: siteStateName(request.state), kind: kindName(request.kind) };
      const rows = await selectSites(pool, { ...filter, after: parseKeyId(page.after?.[0]), limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.id]);
      return { sites: cut.rows.map(siteMessage), nextPageToken: cut.nextPageToken };
    },
    async getSite(request, context) {
      if ((request.id === 0n) === (request.host === "")) {
        const message = "id: either id or host must be set";
        throw reasonError(Code.InvalidArgument, "invalid_field", message, { fields: [{ field: "id", message }] });
      }
      const by = request.id === 0n ? { host: request.host } : { id: request.id };
      const row = await selectSiteRow(pool, by, readActor(context).environment);
      if (row === undefined) throw siteNotFound(request.host || String(request.id));
      return { site: siteMessage(row) };
    },
    async deleteSite(request, context) {
      const actor = readActor(context);
      const row = await deleteSite(pool, request.id, actor);
      log.info({ site: row.id.toString(), host: row.host, tokenName: actor.name }, "site removed by an operator");
      return { site: siteMessage(row) };
    },
  };
}
