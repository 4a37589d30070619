import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkHost, checkSubdomain } from "#central/operator/check-host.ts";

describe("checkHost", () => {
  test.each([
    "example.org",
    "a.b",
    "xn--mnchen-3ya.de",
    "pr.example.org",
    "1.example.org",
    "catapult.localhost",
    "a--b.x",
    `${"a".repeat(63)}.org`,
  ])("lets %s pass", (host) => {
    expect(checkHost(host)).toBeUndefined();
  });

  const refused: [string, string, string][] = [
    ["input 29 case variants", "Example.org", "lower case"],
    ["input 29 case variants", "EXAMPLE.ORG", '"example.org"'],
    ["input 30 a trailing dot", "example.org.", "end in a dot"],
    ["input 31 a wildcard", "*.example.org", "*"],
    ["input 31 a wildcard inside", "a*.example.org", "*"],
    ["input 32 a label of 64", `${"a".repeat(64)}.org`, "63"],
    ["input 32 254 in all", `${"a.".repeat(125)}abcd`, "253"],
    ["input 33 bad punycode", "xn--a.example.org", "xn--"],
    ["input 33 empty punycode", "xn--.example.org", "a-z, 0-9 and inner hyphens"],
    ["input 33 punycode of plain ASCII", "xn--abc-.example.org", "inner hyphens"],
    ["input 33 another reserved hyphen form", "ab--cd.example.org", "--"],
    ["input 34 an IPv4 address", "127.0.0.1", "IP address"],
    ["input 34 an IPv4 address in hex", "127.0.0x1", "IP address"],
    ["input 34 an IPv4 address as one number", "2130706433", "IP address"],
    ["input 34 an IPv6 address", "::1", "IP address"],
    ["input 34 an IPv6 address in brackets", "[::1]", "IP address"],
    ["input 34 bare localhost", "localhost", "two labels"],
    ["input 35 a port", "example.org:8080", "port"],
    ["input 35 a path", "example.org/x", "path"],
    ["input 35 a scheme", "https://example.org", "scheme"],
    ["input 35 a user", "me@example.org", "user"],
    ["input 36 a placeholder", "{http.request.host}", "{"],
    ["input 36 a placeholder of the environment", "{env.SECRET}.example.org", "{"],
    ["an empty host", "", "host name"],
    ["an empty label", "a..example.org", "empty label"],
    ["a leading dot", ".example.org", "empty label"],
    ["an underscore", "a_b.example.org", "a-z"],
    ["a leading hyphen", "-a.example.org", "hyphens"],
    ["a trailing hyphen", "a-.example.org", "hyphens"],
    ["a climbing path", "..", "dot"],
    ["a NUL", "a\u0000.example.org", "letters"],
    ["a newline at the end", "example.org\n", "letters"],
    ["input 22 a zero-width space", "exa\u200bmple.org", "letters"],
    ["input 22 a bidi override", "exa\u202emple.org", "letters"],
    ["letters beyond ASCII", "münchen.de", '"xn--mnchen-3ya.de"'],
    ["input 26 a Cyrillic look-alike", "ехаmple.org", "ASCII form"],
    ["full-width letters", "ｅxample.org", '"example.org"'],
  ];
  test.each(refused)("refuses %s: %j", (_, host, problem) => {
    expect(checkHost(host)).toContain(problem);
  });

  test("lets pass only what a browser takes for that very host", () => {
    const label = fc.stringMatching(/^[a-zA-Z0-9.{*-]{1,10}$/);
    const host = fc.oneof(
      fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join(".")),
      fc.domain(),
      fc.ipV4(),
      fc.string(),
    );
    let passed = 0;
    fc.assert(
      fc.property(host, (text) => {
        if (checkHost(text) !== undefined) return;
        passed++;
        expect(new URL(`http://${text}/`).hostname).toBe(text);
        expect(text).toMatch(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }),
      { numRuns: 2000 },
    );
    expect(passed).toBeGreaterThan(0);
  });

  test("says the spelling that passes when it is only the case or the alphabet that is wrong", () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        const lower = domain.toLowerCase();
        fc.pre(checkHost(lower) === undefined && lower !== domain.toUpperCase());
        expect(checkHost(domain.toUpperCase())).toContain(lower.slice(0, 70));
      }),
    );
  });
});

describe("checkSubdomain", () => {
  test.each(["www", "a.b", "1", "pr-x"])("lets %s pass", (subdomain) => {
    expect(checkSubdomain(subdomain)).toBeUndefined();
  });
  test.each(["WWW", "a.", ".a", "*", "a/b", "{x}", "127.0.0.1:80", "a b", "-"])("refuses %j", (subdomain) => {
    expect(checkSubdomain(subdomain)).toBeTypeOf("string");
  });
});
