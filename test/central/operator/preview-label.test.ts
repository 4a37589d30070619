import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkHost } from "#central/operator/check-host.ts";
import { previewLabelCandidates } from "#central/operator/preview-label.ts";

const hex = (id: bigint) => createHash("sha256").update(String(id)).digest("hex").slice(0, 6);

describe("previewLabelCandidates", () => {
  test.each([
    ["site", "site"],
    ["My_Site.js", "my-site-js"],
    ["--a---b--", "a-b"],
    ["x".repeat(40), "x".repeat(40)],
  ])("makes of %s first %s", (name, label) => {
    expect(previewLabelCandidates(name, 7n)[0]).toBe(label);
  });
  test("adds 6 hex digits of SHA-256 of the id when the label is taken", () => {
    expect(previewLabelCandidates("site", 7n)[1]).toBe(`site-${hex(7n)}`);
    expect(hex(7n)).toBe("790269");
  });
  test("adds them at once to a name that had to be cut, so that two long names do not differ by luck", () => {
    expect(previewLabelCandidates("x".repeat(41), 7n)[0]).toBe(`${"x".repeat(40)}-${hex(7n)}`);
    expect(previewLabelCandidates(`${"x".repeat(39)}_yz`, 7n)[0]).toBe(`${"x".repeat(39)}-${hex(7n)}`);
  });
  test("is the digits alone for a name of which nothing is left", () => {
    expect(previewLabelCandidates("._-", 7n)[0]).toBe(hex(7n));
  });
  test("offers only different labels that make a good host with every number", () => {
    const name = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_.-]{1,100}$/), fc.string());
    fc.assert(
      fc.property(name, fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), fc.nat(), (text, id, number) => {
        const labels = previewLabelCandidates(text, id);
        expect(new Set(labels).size).toBe(labels.length);
        for (const label of labels) {
          expect(label).toMatch(/^[a-z0-9]([a-z0-9-]{0,45}[a-z0-9])?$/);
          expect(label).not.toContain("--");
          expect(checkHost(`pr-${number}-${label}.example.org`)).toBeUndefined();
        }
      }),
      { numRuns: 1000 },
    );
  });
});
