import { afterAll, beforeAll, expect, test } from "vitest";
import { commentMarker, renderComment } from "#central/comment/render-comment.ts";
import { attack } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

const hostile = [
  "\u001B]0;owned\u0007title",
  "\u001B]8;;https://evil.example\u001B\\link\u001B]8;;\u001B\\",
  "\u001B[2J\u001B[1;1Hcleared",
  "a\u202Eb\u2066c\u200B",
  "::set-output name=token::stolen",
  "````\n</details><img src=x onerror=alert(1)>",
  "[click](javascript:alert(1)) ![x](https://evil.example/pixel) @org/team #1",
  "<!-- catapult site 99 -->",
  "eight\u009B31mbit",
];

test("B7 what a build prints shows as text and as nothing else, in the log and in the comment", async () => {
  const { lines, failure } = await attack(podman, {
    files: { "hostile.json": JSON.stringify(hostile) },
    command: 'node -p \'JSON.parse(require("fs").readFileSync("hostile.json")).join("\\n")\'; exit 1',
  });
  expect(failure?.reason).toBe("command_failed");
  // oxlint-disable no-control-regex -- they are what must not be there
  for (const line of lines)
    expect(line).not.toMatch(/[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u200B-\u200F\u202A-\u202E\u2066-\u2069]/);
  // oxlint-enable no-control-regex
  expect(lines.slice(1, 5)).toEqual(["title", "link", "cleared", "abc"]);
  const text = renderComment({
    siteId: 5n,
    siteState: "wanted",
    url: "https://pr-1-a.example",
    newest: {
      state: "failed",
      commit: "0a1b2c3d".repeat(5),
      waiting: null,
      failure: { stage: "build", reason: failure?.reason ?? "", message: failure?.message ?? "" },
      durationMs: 1,
      approval: null,
      timesLost: 0,
    },
    live: null,
    logTail: lines,
  });
  expect(text.startsWith(commentMarker(5n))).toBe(true);
  // All of it stands within one fence that is longer than any in it.
  const [, opening = "", inside = ""] = /\n(`{5,})text\n([\s\S]*?)\n\1\n/.exec(text) ?? [];
  expect(opening).toBe("`".repeat(5));
  for (const word of ["::set-output", "onerror", "javascript:", "@org/team", "catapult site 99"]) {
    expect(inside).toContain(word);
    expect(text.replace(inside, "")).not.toContain(word);
  }
});
