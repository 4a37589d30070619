import { readFileSync } from "node:fs";
import { isAbsolute, normalize } from "node:path";
import { errorCode, errorMessage } from "../error-details.ts";

// Parsers of single values. Each throws an Error whose message says what is expected and does not quote the value: it may be a secret.

/** Any text that is not blank. */
export function parseText(value: string): string {
  if (value.trim() === "") throw new Error("expected a text that is not blank");
  return value;
}

/** An http or https URL without user, query or fragment; given back without a slash at its end, so that paths can be appended. */
export function parseUrl(value: string): string {
  const expected = "expected an http:// or https:// URL without user, query or fragment, such as https://central.example:8443";
  const url = URL.parse(value);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) throw new Error(expected);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") throw new Error(expected);
  return url.href.replace(/\/+$/, "");
}

/** `host:port`, `[v6]:port` or `:port` (all addresses). Port 0 means a free one. */
export function parseListen(value: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):([0-9]{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error("expected host:port, such as 127.0.0.1:8443, [::1]:8443 or :8443");
  return { host: match[1] ?? (match[2] === "" ? "::" : match[2]!), port };
}

/** A parser of whole decimal numbers between two bounds, both included. */
export function parseInteger(o: { min?: number; max?: number } = {}): (value: string) => number {
  const min = o.min ?? Number.MIN_SAFE_INTEGER;
  const max = o.max ?? Number.MAX_SAFE_INTEGER;
  return (value) => {
    const number = /^-?[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(number) || number < min || number > max) {
      throw new Error(`expected a whole number ${describeBounds(o)}`.trimEnd());
    }
    return number;
  };
}

/** A size such as `512m` or `4g`; a plain number is bytes, k, m, g and t are powers of 1024. Above 0. */
export function parseBytes(value: string): number {
  const match = /^([0-9]{1,15})([kmgt]?)(?:i?b)?$/i.exec(value);
  const exponent = ["", "k", "m", "g", "t"].indexOf((match?.[2] ?? "").toLowerCase());
  const bytes = Number(match?.[1]) * 1024 ** exponent;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new Error("expected a size above 0, such as 512m or 4g (k, m, g, t are powers of 1024)");
  }
  return bytes;
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as `500ms`, `30s`, `10m`, `2h`, `1d`, in milliseconds. Above 0, at most 24 days (the longest timer Node has). */
export function parseDuration(value: string): number {
  const match = /^([0-9]{1,10})(ms|s|m|h|d)$/.exec(value);
  const ms = Number(match?.[1]) * (unitMs[match?.[2] ?? ""] ?? Number.NaN);
  if (!(ms > 0 && ms < 2 ** 31)) throw new Error("expected a duration above 0 and below 24d, such as 500ms, 30s, 10m or 2h");
  return ms;
}

/** A comma-separated list of texts, trimmed, none empty. */
export function parseList(value: string): string[] {
  const items = value.split(",").map((item) => item.trim());
  if (items.includes("")) throw new Error("expected a comma-separated list without empty items");
  return items;
}

/** A parser that takes one of the given words. */
export function parseChoice<const T extends string>(choices: readonly T[]): (value: string) => T {
  return (value) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new Error(`expected one of ${choices.join(", ")}`);
    return found;
  };
}

/** A level of the logger's. */
export const parseLogLevel = parseChoice(["trace", "debug", "info", "warn", "error", "fatal", "silent"]);

/** An absolute path, normalized. */
export function parsePath(value: string): string {
  if (!isAbsolute(value) || value.includes("\0")) throw new Error("expected an absolute path");
  return normalize(value);
}

/** The content of the text file that the value names. */
export function parseReadableFile(value: string): string {
  try {
    return readFileSync(value, "utf8");
  } catch (error) {
    const found = errorCode(error) ?? errorMessage(error);
    throw new Error(`expected the path of a file that can be read (${value}: ${found})`, { cause: error });
  }
}

function describeBounds(o: { min?: number; max?: number }): string {
  if (o.min !== undefined && o.max !== undefined) return `from ${o.min} to ${o.max}`;
  if (o.min !== undefined) return `of at least ${o.min}`;
  return o.max === undefined ? "" : `of at most ${o.max}`;
}
