import { isLoopback } from "../rpc/is-loopback.ts";
import { parseUrl } from "./parse.ts";

/** As `parseUrl`, for addresses that tokens are sent to: without TLS this machine alone, where nobody on the way can read or change them. */
export function parseSecureUrl(value: string): string {
  const url = parseUrl(value);
  if (url.startsWith("http:") && !isLoopback(new URL(url).hostname)) {
    throw new Error("expected an https:// URL: http:// is for a loopback address alone, as tokens are sent there");
  }
  return url;
}
