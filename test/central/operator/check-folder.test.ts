import * as fc from "fast-check";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { checkFolder } from "#central/operator/check-folder.ts";

test.each(["dist", "a/b/c", "my site", ".output/public", ".vercel", "gitlab", "a..b", "ünï"])("lets %s pass", (folder) => {
  expect(checkFolder(folder)).toBeUndefined();
});

const refused: [string, string, string][] = [
  ["input 39 the folder above", "../", ".."],
  ["input 39 a way out in the middle", "a/../../b", ".."],
  ["input 39 an absolute folder", "/etc", "leading /"],
  ["input 39 the folder itself", ".", "empty for the default"],
  ["input 39 .git", ".git", ".git"],
  ["input 39 .GIT inside", "a/.GIT/b", ".git"],
  ["a NUL", "a\u0000b", "control"],
  ["a newline", "a\nb", "control"],
  ["an ESC", "\u001b[2J", "control"],
  ["a placeholder", "{env.HOME}", "{"],
  ["a backslash", "a\\b", "\\"],
  ["an option", "--output=x", "hyphen"],
  ["a slash at the end", "dist/", '"dist"'],
  ["a dot at the start", "./dist", '"dist"'],
  ["two slashes", "a//b", '"a/b"'],
  ["too many bytes", "ü".repeat(300), "512"],
];
test.each(refused)("refuses %s: %j", (_, folder, problem) => {
  expect(checkFolder(folder)).toContain(problem);
});

test("lets pass only what stays below the folder that it is joined to, spelled as joining spells it", () => {
  const part = fc.oneof(fc.constantFrom(".", "..", "", ".git", "a", "-"), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const folder = parts.join("/");
      if (checkFolder(folder) !== undefined) return;
      expect(posix.join("/work", folder)).toBe(`/work/${folder}`);
    }),
    { numRuns: 2000 },
  );
});
