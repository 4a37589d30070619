import { maskSecrets } from "#common/logger.ts";
import { stripControls } from "#central/status/strip-controls.ts";

/** One line of untrusted text as inline code: nothing in it is markdown, HTML, a mention or a link. */
export function inlineCode(text: string, maxLength: number): string {
  const line = clean(text.replace(/[\t\n\v\f\r]+/g, " "))
    .replace(/\s+/g, " ")
    .trim();
  const short = line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
  if (short === "") return "";
  const fence = "`".repeat(longestRun(short) + 1);
  return `${fence} ${short} ${fence}`;
}

/** Untrusted text as a block that it cannot end: the fence is longer than any run of backticks in it. */
export function codeBlock(lines: readonly string[]): string {
  const shown = lines.map((line) => clean(line));
  const fence = "`".repeat(Math.max(3, longestRun(shown.join("\n")) + 1));
  return [`${fence}text`, ...shown, fence].join("\n");
}

/** Masked last: a secret with a hidden character in it is one again when that is gone. */
function clean(text: string): string {
  return maskSecrets(stripControls(text));
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}
