import type { JsonValue } from "@bufbuild/protobuf";
import type { ClientBase } from "pg";

export type NewAuditEntry = {
  token: string;
  method: string;
  resource: string;
  environment: string;
  before: JsonValue | undefined;
  after: JsonValue | undefined;
};

export async function insertAuditEntry(client: ClientBase, entry: NewAuditEntry): Promise<void> {
  await client.query(
    `insert into audit_log (token, method, resource, environment, before, after) values ($1, $2, $3, $4, $5, $6)`,
    [entry.token, entry.method, entry.resource, entry.environment, asJson(entry.before), asJson(entry.after)],
  );
}

function asJson(value: JsonValue | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
