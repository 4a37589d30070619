import { stripControls } from "#central/status/strip-controls.ts";

const maxLength = 300;

/** A worker's own words on why it takes no builds, untrusted: one line, bounded, never empty. */
export function parseReason(text: string): string {
  const line = stripControls(
    text
      .replace(/^not ready\n/, "")
      .trim()
      .replace(/\s*\n\s*/g, "; "),
  )
    .replace(/^this worker is not ready: /, "")
    .trim();
  if (line === "") return "it does not say why";
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…`.toWellFormed() : line.toWellFormed();
}
