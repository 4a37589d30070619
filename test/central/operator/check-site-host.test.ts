import { describe, expect, test } from "vitest";
import {
  checkPreviewNames,
  checkReservedLabels,
  hasRoomForPreviews,
  labelsBeforeSuffix,
  productionHost,
} from "#central/operator/check-site-host.ts";

describe("labelsBeforeSuffix", () => {
  test("finds a host that is a suffix or ends in a dot and one", () => {
    expect(labelsBeforeSuffix("example.org", ["example.org"])).toEqual([]);
    expect(labelsBeforeSuffix("a.b.example.org", ["other.org", "example.org"])).toEqual(["a", "b"]);
  });
  test("does not take the end of a label for a suffix", () => {
    expect(labelsBeforeSuffix("badexample.org", ["example.org"])).toBeUndefined();
    expect(labelsBeforeSuffix("org", ["example.org"])).toBeUndefined();
  });
  test("takes the shortest of nested suffixes, so that every label in question is looked at", () => {
    expect(labelsBeforeSuffix("deployer.a.example.org", ["a.example.org", "example.org"])).toEqual(["deployer", "a"]);
  });
});

describe("reserved names", () => {
  test.each([["deployer"], ["central"], ["www", "deployer"]])("input 37 refuses %s", (...labels) => {
    expect(checkReservedLabels(labels)).toContain("reserved name");
  });
  test.each(["pr-7-site", "pr-0-", "pr-12-a-b"])("input 37 refuses %s: it is called like a preview", (label) => {
    expect(checkReservedLabels(["x", label])).toContain("previews");
    expect(checkPreviewNames([label])).toContain("previews");
  });
  test.each(["www", "pr-site", "pr7-site", "deployers", "xpr-7-a", "pr-7"])("leaves %s to whoever wants it", (label) => {
    expect(checkReservedLabels([label])).toBeUndefined();
  });
});

test("a production host is the domain itself without a subdomain", () => {
  expect(productionHost("example.org", "")).toBe("example.org");
  expect(productionHost("example.org", "a.b")).toBe("a.b.example.org");
});

test("input 32 a domain that leaves no room for the names of its previews is found out", () => {
  const rest = `pr-9999999999-site.`.length;
  expect(hasRoomForPreviews("d".repeat(253 - rest), "site")).toBe(true);
  expect(hasRoomForPreviews("d".repeat(254 - rest), "site")).toBe(false);
});
