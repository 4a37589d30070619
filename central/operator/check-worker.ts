import { violationOf, type Violation } from "./violation.ts";

/** Says what is wrong with a worker to add, beyond the rules in the proto. */
export function checkWorker(worker: { endpoint: string }): Violation[] {
  return violationOf("worker.endpoint", checkEndpoint(worker.endpoint));
}

/** The endpoint as it is stored, without a trailing slash. */
export function canonicalEndpoint(endpoint: string): string {
  return new URL(endpoint).origin;
}

function checkEndpoint(endpoint: string): string | undefined {
  const url = URL.parse(endpoint);
  const form = "must be https://host:port";
  if (url === null || /[{}]/.test(endpoint)) return form;
  if (url.protocol !== "https:" && url.protocol !== "http:") return form;
  if (url.protocol === "http:" && !isLoopback(url.hostname)) return `${form}; http:// is for loopback addresses only`;
  if (url.username !== "" || url.password !== "") return `${form}, without a user`;
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return `${form}, without a path`;
  return undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.[0-9]+){3}$/.test(hostname);
}
