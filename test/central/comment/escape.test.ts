import { expect, test } from "vitest";
import { codeBlock, inlineCode } from "#central/comment/escape.ts";

const token = `ghs_${"a".repeat(36)}`;
/** An override of direction, a zero-width space, a terminal's escape and a lone surrogate, within a word. */
const hidden = "sa\u202efe\u200b\u001b[31m\ud800!";

test("inline code holds no character that hides or turns text", () => {
  expect(inlineCode(hidden, 100)).toBe("` safe[31m! `");
});

test("inline code holds no secret that the text held", () => {
  const code = inlineCode(`isolation: ${token} was refused`, 200);
  expect(code).not.toContain(token);
  expect(code).toMatch(/^` isolation: .+ was refused `$/);
});

test("a secret with a hidden character in it is masked as well", () => {
  const split = `${token.slice(0, 20)}\u200b${token.slice(20)}`;
  expect(inlineCode(split, 100)).toBe("` ghs_[masked] `");
  expect(codeBlock([split])).toBe("```text\nghs_[masked]\n```");
});

test("inline code that would cut a secret in two masks it first", () => {
  expect(inlineCode(`x ${token}`, 20)).not.toContain("ghs_aaa");
});

test("inline code is one line, and nothing in it ends it", () => {
  expect(inlineCode("a\n\n# b\r\n``c``", 100)).toBe("``` a # b ``c`` ```");
});

test("inline code of nothing that can be seen is nothing", () => {
  expect(inlineCode(" \u200b\n\u202e ", 100)).toBe("");
});

test("a block of code holds neither hidden characters nor secrets, in no line of it", () => {
  const block = codeBlock(["first", `${hidden} ${token}`]);
  expect(block).toMatch(/^```text\nfirst\nsafe\[31m! .*\n```$/);
  expect(block).not.toContain(token);
});
