import { expect, test } from "vitest";
import { formatTable } from "../../../cli/output/format-table.ts";

test("columns are as wide as their widest cell, and no line ends in blanks", () => {
  expect(
    formatTable(
      ["A", "LONG"],
      [
        ["aaaa", "b"],
        ["c", ""],
      ],
    ),
  ).toBe("A     LONG\naaaa  b\nc");
});

test("what would steer the terminal is shown, not sent", () => {
  expect(formatTable(["A"], [["\u001b[2J\n\u202e"]])).toBe("A\n\\u001b[2J\\u000a\\u202e");
});
