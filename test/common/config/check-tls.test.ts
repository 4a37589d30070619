import { expect, test } from "vitest";
import { checkTls } from "#common/config/check-tls.ts";

const loopback = { host: "127.0.0.1", port: 8443 };
const all = { host: "::", port: 8443 };

test.each([
  ["TLS without certificate and key", { tls: "on", listen: all, missing: ["TLS_CERT_FILE"] }, ["TLS_CERT_FILE"]],
  ["TLS with both", { tls: "on", listen: all, missing: [] }, []],
  ["no TLS on every address", { tls: "off", listen: all, missing: ["TLS_CERT_FILE"] }, ["X_LISTEN"]],
  ["no TLS on a loopback address", { tls: "off", listen: loopback, missing: ["TLS_CERT_FILE"] }, []],
  ["what could not be read", { tls: undefined, listen: all, missing: ["TLS_CERT_FILE"] }, []],
  ["a listen address that could not be read", { tls: "off", listen: undefined, missing: [] }, []],
] as const)("%s is judged by the variables to change", (_, o, expected) => {
  expect(checkTls({ ...o, listenVariable: "X_LISTEN" }).map(({ variable }) => variable)).toEqual(expected);
});
