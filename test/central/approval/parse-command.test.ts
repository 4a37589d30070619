import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "#central/approval/parse-command.ts";

const sha = "0a1b2c3d".repeat(5);

test("the exact line approves its commit, whatever lines follow", () => {
  for (const body of [`/catapult approve ${sha}`, `/catapult approve ${sha} \t`, `/catapult approve ${sha}\r\nThanks!\n`]) {
    expect(parseCommand(body)).toEqual({ kind: "approve", commit: sha });
  }
});

test.each([
  ["a short id", `/catapult approve ${sha.slice(0, 7)}`],
  ["39 digits", `/catapult approve ${sha.slice(1)}`],
  ["41 digits", `/catapult approve ${sha}0`],
  ["upper case", `/catapult approve ${sha.toUpperCase()}`],
  ["a name", "/catapult approve HEAD"],
  ["the zeros that stand for none", `/catapult approve ${"0".repeat(40)}`],
  ["nothing", "/catapult approve"],
  ["the commit on the next line", `/catapult approve\n${sha}`],
  ["two commits", `/catapult approve ${sha} ${sha}`],
  ["more words", `/catapult approve ${sha} please`],
  ["two spaces", `/catapult  approve ${sha}`],
  ["another space", `/catapult\u00a0approve ${sha}`],
  ["an unknown command", `/catapult disapprove ${sha}`],
  ["another case", `/Catapult approve ${sha}`],
  ["a hidden character", `/catapult approve ${sha}\u200b`],
])("input 27 %s approves nothing, and the attempt is told from an ordinary comment", (_name, body) => {
  expect(parseCommand(body).kind).toBe("malformed");
});

test.each([
  ["a quote", `> /catapult approve ${sha}`],
  ["an indented line", ` /catapult approve ${sha}`],
  ["code", `\`/catapult approve ${sha}\``],
  ["the second line", `Looks good.\n/catapult approve ${sha}`],
  ["an empty first line", `\n/catapult approve ${sha}`],
  ["a mark before it", `\ufeff/catapult approve ${sha}`],
  ["another word that begins so", `/catapults approve ${sha}`],
  ["nothing", ""],
])("%s is no command", (_name, body) => {
  expect(parseCommand(body)).toEqual({ kind: "none" });
});

test("no text but the exact line approves anything", () => {
  const pieces = fc.constantFrom("/catapult", "approve", sha, sha.slice(0, 8), " ", "\t", "\n", "\r", ">", "`", "\u200b", "x");
  const checked = fc.check(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const body = parts.join("");
      const approved = parseCommand(body).kind === "approve";
      return approved === new RegExp(`^/catapult approve ${sha}[ \\t]*(?:[\\r\\n]|$)`).test(body);
    }),
    { numRuns: 2_000 },
  );
  expect(checked.counterexample).toBeNull();
});
