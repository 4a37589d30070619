import * as fc from "fast-check";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { describe, expect, test } from "vitest";
import { commentMarker, renderComment } from "#central/comment/render-comment.ts";

const commit = "0a1b2c3d".repeat(5);

/** What GitHub's grammar makes of a comment. Its filter of HTML comes after, so nothing dangerous may be left to it. */
function renderHtml(markdown: string): string {
  return micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
}

/** A failed deployment's comment around a worker's or a repository's own text. */
function commentOn(text: string): string {
  return renderComment({
    siteId: 5n,
    siteState: "wanted",
    url: "https://pr-1-site.sites.example",
    newest: {
      state: "failed",
      commit,
      waiting: null,
      failure: { stage: "build", reason: "command_failed", message: text },
      approval: null,
      timesLost: 0,
      durationMs: 1,
    },
    live: { commit },
    logTail: [text, ...text.split("\n")],
  });
}

/** What of the page stands outside of code. */
function outsideCode(html: string): string {
  return html.replaceAll(/<code[^>]*>[^<]*<\/code>/g, "");
}

const own = outsideCode(renderHtml(commentOn("plain")));
const hostile: [string, string][] = [
  ["input 15 a command", "$(touch /tmp/x) `id` ; rm -rf /"],
  ["input 16 backticks", "` `` ``` ```` ````` ~~~ ~~~~\n```\n~~~\n````````\n"],
  ["input 17 a workflow command", "\n::set-output name=x::y\n::error::z"],
  [
    "input 18 links and images",
    "](javascript:alert(1)) [x](javascript:y) ![](https://evil.example/p.png) <https://evil.example> www.evil.example",
  ],
  ["input 18 a link by reference", "[x]\n\n[x]: javascript:alert(1)\n"],
  ["input 19 mentions", "@org/team @someone #1 org/repo#2 GH-3"],
  ["input 20 a forged marker", `${commentMarker(9n)}\n\n${commentMarker(5n)}`],
  ["input 22 bidi and zero-width", "\u202egnp.exe\u2066\u200b\u200d\ufeff\u061c\u00ad\u180e\u{e0041}\u{e007f}\u2028\ufff9"],
  [
    "HTML",
    "</details></summary></code></pre><script>alert(1)</script><img src=x onerror=alert(1)><!-- <a href='//evil.example'>",
  ],
  ["a table, a heading and a list", "| a | b |\n|---|---|\n| 1 | 2 |\n# x\n- [ ] y\n1. z\n***\n> q"],
  ["a terminal's codes", "\u001b]8;;https://evil.example\u0007x\u001b]8;;\u0007\u001b[2J\r\u009b31m\u0000"],
];

describe("a comment as GitHub shows it", () => {
  test.each(hostile)("holds %s in code alone", (_, text) => {
    const comment = commentOn(text);
    const html = renderHtml(comment);
    // All around the code is what stands there for a harmless text, but for the number of lines.
    const count = /<summary>The last \d+ lines/;
    expect(outsideCode(html).replace(count, "")).toBe(own.replace(count, ""));
    expect(comment.startsWith(commentMarker(5n))).toBe(true);
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(comment).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]|\p{Cf}/u);
  });

  test("input 23 of 300 kB keeps its form", () => {
    for (const text of ["`".repeat(300_000), "@a ".repeat(100_000), "x".repeat(300_000), "\n```\n".repeat(60_000)]) {
      const comment = commentOn(text);
      expect(comment.length).toBeLessThanOrEqual(60_000);
      const left = outsideCode(renderHtml(comment));
      expect(left).not.toMatch(/@a|x{9}|```/);
      expect(left).toContain("</details>");
    }
  });

  test("holds whatever pieces of markdown and HTML are put together in code alone", () => {
    const piece = fc.constantFrom(
      ..."`|``|```|````|~~~|\n|\n\n| |    |\t|@team|![](x)|[a](b)|<b>|</details>|<!--|-->|<script>|</pre>|</code>|#|>|-|*|_|\\|&lt;|\u202e|\u200b|\r|http://evil.example|$(x)|a".split(
        "|",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 30 }), (pieces) => {
        const html = renderHtml(commentOn(`q${pieces.join("")}`));
        const count = /<summary>The last \d+ lines/;
        expect(outsideCode(html).replace(count, "")).toBe(own.replace(count, ""));
      }),
      { numRuns: 300 },
    );
  });
});
