import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { readActor } from "./actor.ts";
import { hasNul } from "./no-nul.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, parseKeyId, readPage } from "./page.ts";
import { selectAuditEntries } from "./sql/select-audit-entries.ts";

export function createAuditMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, "listAuditEntries"> {
  return {
    async listAuditEntries(request, context) {
      const { environment } = readActor(context);
      const { token, resource } = request;
      const page = readPage<[string]>(request, { list: "audit", filters: [token, resource], keys: 1 });
      if (hasNul(token, resource)) return { entries: [], nextPageToken: "" };
      const before = parseKeyId(page.after?.[0]);
      const rows = await selectAuditEntries(o.pool, { token, resource, environment, before, limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.id]);
      const entries = cut.rows.map((row) => ({
        id: row.id,
        time: timestampFromDate(row.at),
        token: row.token,
        method: row.method,
        resource: row.resource,
        environment: row.environment,
        before: row.before ?? "",
        after: row.after ?? "",
      }));
      return { entries, nextPageToken: cut.nextPageToken };
    },
  };
}
