import * as fc from "fast-check";
import { expect, test } from "vitest";
import { judgeEntry } from "#worker/publish/judge-entry.ts";

const file = (name: string): ReturnType<typeof judgeEntry> => judgeEntry({ name, type: "file", pax: {} });

test("Regular files and folders are taken under their plain path", () => {
  expect(file("./a/b.html")).toMatchObject({ kind: "file", path: "a/b.html" });
  expect(judgeEntry({ name: "a/b/", type: "directory", pax: {} })).toMatchObject({ kind: "folder", path: "a/b" });
  expect(judgeEntry({ name: "./", type: "directory", pax: {} })).toMatchObject({ kind: "folder", path: "" });
});

test.each(["symlink", "link", "fifo", "character-device", "block-device", null, undefined])(
  "An entry of type %s is refused",
  (type) => {
    expect(judgeEntry({ name: "x", type, pax: {} }).kind).toBe("refused");
  },
);

test("A sparse file is refused, whatever it calls itself", () => {
  expect(judgeEntry({ name: "x", type: "file", pax: { "GNU.sparse.major": "1" } }).kind).toBe("refused");
});

test.each([".git/config", ".env", "a/.DS_Store", ".well-known/.x"])("%s is left out", (name) => {
  expect(file(name).kind).toBe("left out");
});

test("What lies in .well-known is published", () => {
  expect(file(".well-known/security.txt").kind).toBe("file");
});

test.each(["index.html", "200.html", "404.html", "docs/index.html"])(
  "A folder named %s is refused, since a page is looked for there",
  (name) => {
    expect(judgeEntry({ name, type: "directory", pax: {} }).kind).toBe("refused");
  },
);

test.each([
  ["a name", "n".repeat(255), "n".repeat(256), "its name is longer than 255 bytes"],
  ["a name of more bytes than characters", "é".repeat(127), "é".repeat(128), "its name is longer than 255 bytes"],
  ["a path", longPath(1_024), longPath(1_025), "its path is longer than 1024 bytes"],
  ["a depth", "d/".repeat(63) + "x", "d/".repeat(64) + "x", "it lies deeper than 64 folders"],
])("%s at its limit is taken, and one beyond it is refused", (_, longest, longer, why) => {
  expect(file(longest)).toMatchObject({ kind: "file", path: longest });
  expect(file(longer)).toEqual({ kind: "refused", why });
});

function longPath(bytes: number): string {
  return `${"p".repeat(199)}/`.repeat(6).slice(0, bytes);
}

test("No name leads out of the release, however it is written", () => {
  const part = fc.oneof(
    fc.constantFrom("..", ".", "", "a", ".git", "\0", "\u001b", "\\", "\uFFFD", "é", "e\u0301"),
    fc.string({ maxLength: 300 }),
    // Around the limit of a name, in one byte a character and in two.
    fc.tuple(fc.constantFrom("n", "é"), fc.integer({ min: 120, max: 260 })).map(([letter, length]) => letter.repeat(length)),
  );
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 80 })),
      fc.constantFrom("file", "directory"),
      (parts, type) => {
        const verdict = judgeEntry({ name: parts.join("/"), type, pax: {} });
        if (verdict.kind !== "file" && verdict.kind !== "folder") return;
        taken++;
        const steps = verdict.path.split("/");
        expect(verdict.path.startsWith("/")).toBe(false);
        expect(steps).not.toContain("..");
        expect(steps.every((step) => !step.startsWith(".") || step === ".well-known")).toBe(true);
        // oxlint-disable-next-line no-control-regex
        expect(/[\u0000-\u001f\u007f\\]/.test(verdict.path)).toBe(false);
        expect(steps.length).toBeLessThanOrEqual(64);
        expect(steps.every((step) => Buffer.byteLength(step) <= 255)).toBe(true);
        expect(Buffer.byteLength(verdict.path)).toBeLessThanOrEqual(1_024);
      },
    ),
    { numRuns: 2_000 },
  );
  expect(taken).toBeGreaterThan(0);
});
