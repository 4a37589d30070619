import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { AuditEntrySchema } from "#gen/catapult/v1/operator_service_pb.js";
import { formatTime, printList } from "../output/print.ts";
import { callCentral } from "./call-central.ts";
import { listAll } from "./list-all.ts";

export type AuditOptions = { token?: string; resource?: string; limit: number; json?: boolean };

/** What was written and by whom. What it was before and is since is in the JSON. */
export async function listAudit({ token = "", resource = "", limit, json }: AuditOptions): Promise<void> {
  const entries = await callCentral("list the audit log", async (client) =>
    listAll(async (page) => {
      const { entries: items, nextPageToken } = await client.listAuditEntries({ ...page, token, resource });
      return { items, nextPageToken };
    }, limit),
  );
  printList(entries, {
    json,
    toJson: (item) => toJson(AuditEntrySchema, item),
    columns: {
      TIME: (item) => formatTime(item.time && timestampDate(item.time)),
      TOKEN: (item) => item.token,
      METHOD: (item) => item.method,
      RESOURCE: (item) => item.resource,
      ENVIRONMENT: (item) => item.environment,
    },
    none: "There are no such entries.",
  });
}
