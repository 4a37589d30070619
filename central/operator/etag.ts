import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";

type Versioned = { version: bigint; created_at: Date };

/** Changes with every change by an operator, and with what is made anew under an old name. */
export function etagOf(row: Versioned): string {
  return `${row.created_at.getTime().toString(36)}-${row.version}`;
}

/** Refuses a change to what is not as its caller saw it. Empty: whatever is there is meant. The row must be locked. */
export function checkEtag(etag: string, row: Versioned, what: string): void {
  if (etag === "" || etag === etagOf(row)) return;
  throw reasonError(Code.Aborted, "etag_stale", `${what} changed since etag ${JSON.stringify(etag.slice(0, 128))}: get it again`);
}
