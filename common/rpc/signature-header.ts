/** Central signs its calls to a worker in this header. */
export const centralSignatureHeader = "X-Central-Signature";
/** A worker signs its calls to Central in this header. */
export const workerSignatureHeader = "X-Worker-Signature";

export const maxSignatureHeaderBytes = 512;

/** What a signature header says: not yet believed. `ts` is in Unix seconds; `digest` and `sig` are 64 lower-case hex digits. */
export type SignatureHeader = { kid: string; ts: number; nonce: string; digest: string; sig: string };

// Strict: one order, one spelling of each value, nothing before or after. A second header arrives joined by a comma, which fits nowhere.
// ts has no leading zero and at most 11 digits, so that milliseconds do not pass for seconds.
const form =
  /^v1;kid=([a-z0-9-]{1,32});ts=(0|[1-9][0-9]{0,10});nonce=([A-Za-z0-9_-]{16,64});digest=([0-9a-f]{64});sig=([0-9a-f]{64})$/;

/** Reads a header by the strict grammar; undefined: it does not follow it. */
export function parseSignatureHeader(value: string): SignatureHeader | undefined {
  if (value.length > maxSignatureHeaderBytes) return undefined;
  const match = form.exec(value);
  if (match === null) return undefined;
  const [, kid = "", ts = "", nonce = "", digest = "", sig = ""] = match;
  return { kid, ts: Number(ts), nonce, digest, sig };
}

export function formatSignatureHeader({ kid, ts, nonce, digest, sig }: SignatureHeader): string {
  return `v1;kid=${kid};ts=${ts};nonce=${nonce};digest=${digest};sig=${sig}`;
}
