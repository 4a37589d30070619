// What the parts of the probe share: what they were asked, and how they tell what they saw.
import { readFileSync, writeFileSync } from "node:fs";
import type { Observation, ProbeRequest } from "../observation.ts";

export const request: ProbeRequest = JSON.parse(readFileSync("request.json", "utf8"));
export function tell(observation: Observation): void {
  writeFileSync(1, `CANARY ${JSON.stringify(observation)}\n`);
}

export function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export function readFirst(...paths: string[]): string {
  return paths.map((path) => read(path).trim()).find((text) => text !== "") ?? "";
}
