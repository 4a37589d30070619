import type { Masker } from "#worker/mask/create-masker.ts";
import { stripLine as stripUnseen } from "#worker/mask/strip-line.ts";

const lineLimit = 4_000;

/** A line as reports carry it: without control, bidirectional and other invisible characters, well-formed, at most 4,000 characters. */
export function cleanLine(line: string, masker?: Masker): string {
  const stripped = stripLine(line);
  // Before the cut, which could leave a part of a secret.
  return (masker === undefined ? stripped : masker.text(stripped)).slice(0, lineLimit).toWellFormed();
}

/** A text of many lines, cleaned as each of its lines is, and masked also where a secret goes over a line's end. `limit`: it was cut there. */
export function cleanText(text: string, masker: Masker, limit: number): string {
  const stripped = text.split("\n").map(stripLine).join("\n");
  return masker
    .text(stripped, text.length >= limit)
    .slice(0, limit)
    .toWellFormed();
}

function stripLine(line: string): string {
  // eslint-disable-next-line no-control-regex
  return stripUnseen(line.replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, ""));
}
