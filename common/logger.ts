import { pino } from "pino";
import { currentTrace } from "./telemetry/traced.ts";
import type { DestinationStream, Logger as PinoLogger } from "pino";

export type Logger = PinoLogger;

/** Members whose values never reach a log, at whatever depth of the logged object. */
const secretNames = [
  "authorization",
  "token",
  "access_?token",
  "clone_?token",
  "password",
  "secret",
  "webhook_?secret",
  "secret_?key",
  "private_?key",
  "key",
  // A build variable's.
  "value",
  "signature",
  "x-central-signature",
  "x-worker-signature",
  "x-hub-signature(?:-256)?",
  "cookie",
];

/**
 * Finds them in the finished line, where a value is a text, a flat object or list (a Buffer is one with the other inside) or a bare word. One
 * pass over the line; pino's own redaction costs as much per name and level as this does in all, and stops at the level it was told.
 */
const secretMember = new RegExp(
  `"(${secretNames.join("|")})":("(?:[^"\\\\]|\\\\.)*"|\\{(?:[^{}[\\]]|\\[[^\\]]*\\])*\\}|\\[[^[\\]]*\\]|[^",{}[\\]]+)`,
  "gi",
);

/**
 * Forms of secrets that are masked in the finished line, because they also arrive inside texts: messages of foreign errors, URLs, command
 * lines. Each keeps enough to see what stood there.
 */
const secretForms: [RegExp, string][] = [
  [/\b(Bearer|Basic|token) [A-Za-z0-9._~+/=-]{8,}/gi, "$1 [masked]"],
  [/\b(gh[a-z]_|github_pat_|cat_)[A-Za-z0-9_-]{8,}/g, "$1[masked]"],
  [/\bsig=[0-9a-f]{16,}/g, "sig=[masked]"],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^/\s:@"\\]*):[^/\s@"\\]+@/gi, "$1:[masked]@"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs, "[masked private key]"],
];

/**
 * A structured logger: one JSON object a line, ISO time, to standard output unless a destination is given. Secrets are redacted by name and
 * masked by form; bind ids with `log.child({ … })` and keep messages constant.
 */
export function createLogger(o: { name: string; level?: string; destination?: DestinationStream }): Logger {
  const options = {
    name: o.name,
    level: o.level ?? "info",
    base: { name: o.name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    // The trace that the line belongs to, so that a log and a trace lead to each other.
    mixin: () => currentTrace() ?? {},
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => maskSecrets(line.replace(secretMember, '"$1":"[redacted]"')) },
  };
  return o.destination === undefined ? pino(options) : pino(options, o.destination);
}

/** Masks every known form of a secret in a text. */
export function maskSecrets(text: string): string {
  return secretForms.reduce((masked, [form, replacement]) => masked.replace(form, replacement), text);
}
