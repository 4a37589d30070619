const lineLimit = 4_000;

/** A line as reports carry it: without control, bidirectional and other invisible characters, well-formed, at most 4,000 characters. */
export function cleanLine(line: string): string {
  return (
    line
      // eslint-disable-next-line no-control-regex
      .replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, "")
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "")
      .slice(0, lineLimit)
      .toWellFormed()
  );
}
