import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commentMarker, type CommentState, renderComment } from "#central/comment/render-comment.ts";
import { sayLeftOut } from "#worker/sandbox/bound-log.ts";

const commit = "0a1b2c3d".repeat(5);
const state = (changes: Partial<CommentState> = {}, deployment: object = {}): CommentState => ({
  siteId: 5n,
  siteState: "wanted",
  url: "https://pr-1-site.sites.example",
  newest: {
    state: "queued",
    commit,
    waiting: null,
    failure: null,
    approval: null,
    durationMs: null,
    timesLost: 0,
    ...deployment,
  },
  live: null,
  logTail: [],
  ...changes,
});
const failure = { stage: "build", reason: "command_failed", message: "npm run build exited with 1" };

test("each comment begins with its site's marker", () => {
  expect(renderComment(state()).startsWith(commentMarker(5n))).toBe(true);
});

describe("it says", () => {
  test.each(["queued", "dispatched", "cloning", "building", "publishing"])("Building… and the commit while %s", (name) => {
    const text = renderComment(state({}, { state: name }));
    expect(text).toContain("Building…");
    expect(text).toContain(commit);
    // One text for all of these: a comment is not edited for each step.
    expect(text).toBe(renderComment(state()));
  });
  test.each([
    ["no_worker", "no enabled worker"],
    ["unreachable", "cannot be reached"],
    ["not_ready", "not ready"],
  ])("why it waits: %s", (waiting, text) => expect(renderComment(state({}, { waiting }))).toContain(text));
  test("the URL and how long it took", () => {
    const text = renderComment(state({}, { state: "succeeded", durationMs: 1234 }));
    expect(text).toContain("https://pr-1-site.sites.example");
    expect(text).toContain("1.2 s");
  });
  test("that the log of a build that succeeded was cut, by its last word alone", () => {
    const ready = renderComment(state({}, { state: "succeeded", durationMs: 1 }));
    const cut = sayLeftOut({ lines: 123, characters: 4_567, kept: 89 });
    const text = renderComment(state({ logTail: ["some output", cut, "published"] }, { state: "succeeded", durationMs: 1 }));
    expect(text).toContain(
      "` The log was longer than its limit of 2621440 characters or 55000 lines: 123 lines (4567 characters) are left out",
    );
    expect(text).not.toContain("some output");
    expect(renderComment(state({ logTail: ["some output"] }, { state: "succeeded", durationMs: 1 }))).toBe(ready);
  });
  test("stage, reason, message, the log's end, and what is still live", () => {
    const text = renderComment(state({ live: { commit: "f".repeat(40) }, logTail: ["last line"] }, { state: "failed", failure }));
    for (const part of ["` build `", "` command_failed `", "npm run build exited with 1", "last line", "serves ffffffff"]) {
      expect(text).toContain(part);
    }
  });
  test("held, with the exact commit to approve", () =>
    expect(renderComment(state({}, { state: "held" }))).toContain(`/catapult approve ${commit}`));
  test("removing and removed", () => {
    expect(renderComment(state({ siteState: "removing" }))).toContain("Removing");
    expect(renderComment(state({ siteState: "removed" }))).toContain("removed");
  });
});

const failed = (message: string, logTail: string[]) =>
  renderComment(state({ logTail }, { state: "failed", failure: { ...failure, message } }));

describe("bad input", () => {
  const hostile = [
    "$(touch /tmp/x)",
    "`backticks` and ``` and ``````",
    "\n::set-output name=x::y",
    "](javascript:alert(1)) ![](https://evil.example/x.png)",
    "@org/team @someone",
    "```\n@org/team\n```",
    "`````\n<script>\n",
    commentMarker(9n),
    "\u202egnp.exe\u200b\u0007\u001b]0;title\u0007",
    "</details><script>alert(1)</script>",
  ];
  test.each(hostile)("input 15–22 %j stays inside a block of code", (text) => {
    const rendered = failed(text, [text]);
    const outside = stripCode(rendered);
    for (const forbidden of ["javascript:", "evil.example", "@org", "<script", commentMarker(9n), "touch", "set-output"]) {
      expect(outside).not.toContain(forbidden);
    }
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(rendered).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/);
  });
  test("input 20 a marker of another site in a log does not stand at the beginning", () =>
    expect(failed("", [commentMarker(9n)]).startsWith(commentMarker(5n))).toBe(true));
  test("input 23 300 kB of log and message are cut to 60,000 characters, the log's end kept", () => {
    const lines = Array.from({ length: 400 }, (_, n) => `${n} ${"x".repeat(4000)}`);
    const text = failed("m".repeat(300_000), lines);
    expect(text.length).toBeLessThanOrEqual(60_000);
    expect(text).toContain("\n399 xxx");
    expect(stripCode(text)).toContain("</details>");
  });
  test("tokens are masked", () => {
    const text = failed("ghs_0123456789abcdefghij", [
      "Authorization: Bearer abcdefghijklmnop",
      "https://u:secretsecret@github.com",
    ]);
    for (const secret of ["ghs_0123456789", "abcdefghijklmnop", "secretsecret"]) expect(text).not.toContain(secret);
  });
  test("no text ends its block", () => {
    const part = fc.string({ unit: fc.constantFrom("`", "```", "````", "\n", "aaa", "@", " "), maxLength: 40 });
    const checked = fc.check(
      fc.property(part, fc.array(part, { maxLength: 5 }), (message, lines) => {
        const outside = stripCode(failed(`q${message}`, lines));
        return !outside.includes("@") && !/a{3}/.test(outside);
      }),
    );
    expect(checked.counterexample).toBeNull();
  });
});

/** What CommonMark shows as text: blocks of code by their fences' lengths, then inline code. */
function stripCode(markdown: string): string {
  const kept: string[] = [];
  let fence = 0;
  for (const line of markdown.split("\n")) {
    const run = /^ {0,3}(`{3,})([^`]*)$/.exec(line);
    if (fence === 0 && run !== null) fence = run[1]?.length ?? 0;
    else if (fence > 0 && run !== null && (run[1]?.length ?? 0) >= fence && run[2]?.trim() === "") fence = 0;
    else if (fence === 0) kept.push(line);
  }
  return kept.join("\n").replaceAll(/(`+) .*? \1(?!`)/g, "");
}
