import { isLoopback } from "../rpc/is-loopback.ts";

/**
 * What TLS, a listen address and a certificate must be together; `missing` are the variables of certificate and key that are not set. What
 * could not be read is undefined and judged when it can.
 */
export function checkTls(o: {
  tls: "on" | "off" | undefined;
  listen: { host: string } | undefined;
  listenVariable: string;
  missing: readonly string[];
}): { variable: string; problem: string }[] {
  if (o.tls === "on") return o.missing.map((variable) => ({ variable, problem: "is not set; needed unless TLS=off" }));
  if (o.tls === undefined || o.listen === undefined || isLoopback(o.listen.host)) return [];
  const problem =
    "is not a loopback address, which TLS=off needs; set a host such as 127.0.0.1, or give a certificate and TLS=on";
  return [{ variable: o.listenVariable, problem }];
}
