import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { siteTypes } from "#common/site-plan/build-plan.ts";
import { readSettings } from "#common/site-plan/read-settings.ts";

const unset = { siteType: undefined, buildCommand: "", outputDir: "", rootDir: "" };
const known = ["site_type", "build_type", "build_command", "output_dir", "root_dir"];

describe(".deploy.json", () => {
  const folder = fc.oneof(
    fc
      .array(fc.constantFrom("a", "..", ".", ".git", ".GIT", "", "/", "\\", "\0", "\n", "{x}", "$(x)", "-o"), { maxLength: 4 })
      .map((parts) => parts.join("/")),
    fc.string(),
  );
  const value = fc.oneof(folder, fc.constantFrom(...siteTypes, "auto", "Vite", ""), fc.jsonValue());
  const key = fc.oneof(
    fc.constantFrom(...known),
    fc.constantFrom("domain", "environment", "memory", "env", "forks", "__proto__", "constructor", "SITE_TYPE"),
    fc.string(),
  );
  const file = fc
    .array(fc.tuple(key, value), { maxLength: 5 })
    .map((fields) => `{${fields.map(([name, given]) => `${JSON.stringify(name)}:${JSON.stringify(given)}`).join(",")}}`);

  test("F4 gives settings that stay inside the repository, or is refused by a name; an unknown key is never passed over", () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(file, fc.json(), fc.string()), (text) => {
        const read = readSettings(unset, text);
        expect(read.ok ? "deploy_json_invalid" : read.failure.reason).toMatch(
          /^(deploy_json|build_command|output_dir|root_dir)_invalid$/,
        );
        if (!read.ok) return;
        taken++;
        const parsed: unknown = JSON.parse(text);
        expect(Object.keys(parsed ?? {}).filter((name) => !known.includes(name))).toEqual([]);
        const { siteType, buildCommand, outputDir, rootDir } = read.value;
        expect([undefined, ...siteTypes]).toContain(siteType);
        expect(buildCommand ?? "x").toMatch(/^(?=[^]*\S)[^\0]{1,4096}$/);
        for (const path of [outputDir ?? "", rootDir]) {
          expect(join("/repository", path)).toBe(path === "" ? "/repository" : `/repository/${path}`);
          // oxlint-disable-next-line no-control-regex -- what must not be there
          expect(path).not.toMatch(/[\u0000-\u001f\u007f\\]|(^|\/)\.git(\/|$)/i);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  test("never wins over what the deployment config sets, and says nothing in its stead", () => {
    const config = { siteType: "custom" as const, buildCommand: "make", outputDir: "out", rootDir: "site" };
    fc.assert(
      fc.property(file, (text) => {
        const read = readSettings(config, text);
        expect(read.ok ? read.value : config).toEqual(config);
      }),
    );
  });

  test.each(["../x", "/etc", ".git", "a/.GIT/b", "a\\b", "a\0", "..", "a/../../b"])("input 39 refuses the folder %j", (path) => {
    for (const name of ["output_dir", "root_dir"])
      expect(readSettings(unset, JSON.stringify({ [name]: path }))).toMatchObject({
        ok: false,
        failure: { reason: `${name}_invalid` },
      });
  });

  test.each([" ", "a\0b", "x".repeat(4_097), "x".repeat(10_000_000)])(
    "input 40 refuses a command that is blank, holds a NUL or is too long",
    (command) => {
      expect(readSettings(unset, JSON.stringify({ build_command: command }))).toMatchObject({
        ok: false,
        failure: { reason: "build_command_invalid" },
      });
    },
  );
});
