import { array, assert, nat, property, stringMatching, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { cleanLine, createLineSplitter, lineLimit } from "#worker/sandbox/split-lines.ts";

function split(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test("lines are the same wherever the chunks break, also within a character", () => {
  assert(
    property(array(stringMatching(/^[a-zäö€ ]*$/), { maxLength: 8 }), nat(200), (lines, cut) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      expect(split(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(lines);
    }),
  );
});

test("of a progress bar the last state remains", () => {
  expect(split("10 %\r50 %", "\r100 %\nnext\r\nlast")).toEqual(["100 %", "next", "last"]);
});

test("a line without an end is cut and takes no more memory than its limit", () => {
  const [line, next] = split(...Array.from({ length: 100 }, () => "x".repeat(10_000)), "\nnext\n");
  expect(line).toHaveLength(lineLimit);
  expect(line?.endsWith("…")).toBe(true);
  expect(next).toBe("next");
});

test.each([
  ["colours", "\u001B[1;31merror\u001B[0m: no", "error: no"],
  ["a window title", "\u001B]0;owned\u0007text", "text"],
  ["a link", "\u001B]8;;https://evil.example\u001B\\click\u001B]8;;\u001B\\", "click"],
  ["a string without its end", "a\u001BPeverything after", "a"],
  ["cursor movement", "\u001B[2J\u001B[Hhidden\u001B[?25l", "hidden"],
  ["eight-bit controls", "a\u009B31mb\u0085c", "abc"],
  ["NUL, backspace and bell", "a\u0000b\u0008c\u0007", "abc"],
  ["bidirectional controls", "a\u202Eb\u2066c\u200Fd", "abcd"],
  ["zero width and tags", "a\u200Bb\uFEFFc\u{E0041}d", "abcd"],
  ["nothing of an ordinary line", "\t✓ built in 1.2s — 日本語 👍", "\t✓ built in 1.2s — 日本語 👍"],
])("of %s only what a person may see is left", (_, line, clean) => {
  expect(cleanLine(line)).toBe(clean);
});

test("no line of any bytes has a control character in it", () => {
  assert(
    property(uint8Array({ maxLength: 300 }), (bytes) => {
      // oxlint-disable-next-line no-control-regex -- it is what must not be there
      for (const line of split(Buffer.from(bytes))) expect(line).not.toMatch(/[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/);
    }),
  );
});
