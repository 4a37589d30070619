import { Code, type ConnectError } from "@connectrpc/connect";
import { errorCode, errorMessage } from "#common/error-details.ts";
import { readReason } from "#client/read-reason.ts";
import { describePatterns } from "./describe-patterns.ts";
import { nameOptions } from "./name-options.ts";

// What Node says of a certificate that it cannot follow to a CA it trusts.
const untrusted = [
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
];

/** Why a call did not succeed, for a person: what was attempted, on what, what came back and what to do. */
export function describeCallError(error: ConnectError, o: { attempt: string; url: string }): string {
  const where = `could not ${o.attempt}: Central at ${o.url}`;
  const cause = findNetworkError(error);
  if (cause !== undefined) {
    const came = `could not ${o.attempt}: no connection to Central at ${o.url} (${cause.message})`;
    if (untrusted.includes(cause.code)) return `${came}.\nIts certificate is not trusted here: set CATAPULT_CA_FILE to its CA.`;
    if (cause.code === "ERR_TLS_CERT_ALTNAME_INVALID")
      return `${came}.\nIts certificate is for another name: use that in CATAPULT_CENTRAL_URL.`;
    return `${came}.\nIs it running, and is CATAPULT_CENTRAL_URL right?`;
  }
  const said = nameOptions(describePatterns(error.rawMessage));
  switch (error.code) {
    case Code.Unauthenticated:
      return `${where} does not know the token.\nCheck CATAPULT_TOKEN; it may be revoked. \`catapult tokens create --local <name>\`, beside the database, makes one.`;
    case Code.PermissionDenied:
      return `${where} refused it (permission_denied: ${said}).\n${adviseToken(readReason(error))}`;
    case Code.InvalidArgument:
    case Code.AlreadyExists:
    case Code.NotFound:
    case Code.FailedPrecondition:
      return `could not ${o.attempt} (${codeName(error.code)}):\n${indent(said)}`;
    case Code.DeadlineExceeded:
      return `${where} did not answer in time. Nothing may have been done, or all of it: list what is there before you repeat it.`;
    case Code.Aborted:
      return `could not ${o.attempt} (aborted):\n${indent(said)}\nSomebody else changed it at the same moment: look at it, then try again.`;
    case Code.ResourceExhausted:
    case Code.Unavailable:
      return `${where} cannot do it now (${codeName(error.code)}):\n${indent(said)}`;
    case Code.Unimplemented:
      return `${where} knows no such call (${said}).\nIs CATAPULT_CENTRAL_URL right, and is Central as new as this command?`;
    default:
      return `${where} answered ${codeName(error.code)}: ${said}.\nCentral's log says more.`;
  }
}

function adviseToken(reason: string | undefined): string {
  switch (reason) {
    case "other_environment":
      return "The token is bound to one environment: use one of the other environment, or one that is bound to none.";
    case "environment_bound":
    case "owner_not_in_environment":
      return "The token is bound to one environment: use one that is bound to none.";
    default:
      return "Use a token of scope write in CATAPULT_TOKEN.";
  }
}

/** The error of the connection below a failed call, if that is what failed. */
function findNetworkError(error: unknown): { code: string; message: string } | undefined {
  for (let found: unknown = error; found instanceof Error; found = found.cause) {
    const code = errorCode(found);
    if (typeof code === "string" && /^(E[A-Z_]+|[A-Z]+(_[A-Z]+)+)$/.test(code))
      return { code, message: errorMessage(found) || code };
  }
  return undefined;
}

function codeName(code: Code): string {
  return (Code[code] ?? "unknown").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
