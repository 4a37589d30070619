import { parseListen } from "./parse.ts";

/** Where metrics are served: an address as `parseListen` reads it, or `off`. */
export function parseMetricsListen(value: string): { host: string; port: number } | "off" {
  return value === "off" ? value : parseListen(value);
}
