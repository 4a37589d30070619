import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SignatureHeader } from "#common/rpc/signature-header.ts";
import { formatSignatureHeader, maxSignatureHeaderBytes, parseSignatureHeader } from "#common/rpc/signature-header.ts";

const characters = (set: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...set.split("")), minLength, maxLength });
const hex = characters("0123456789abcdef", 64, 64);
const lower = "abcdefghijklmnopqrstuvwxyz0123456789-";

const headers: fc.Arbitrary<SignatureHeader> = fc.record({
  kid: characters(lower, 1, 32),
  ts: fc.integer({ min: 0, max: 99_999_999_999 }),
  nonce: characters(`${lower}ABCDEFGHIJKLMNOPQRSTUVWXYZ_`, 16, 64),
  digest: hex,
  sig: hex,
});

describe("the signature header's grammar", () => {
  it("reads back every header it writes, within its limit of bytes", () => {
    fc.assert(
      fc.property(headers, (header) => {
        const text = formatSignatureHeader(header);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxSignatureHeaderBytes);
        expect(parseSignatureHeader(text)).toEqual(header);
      }),
    );
  });

  it("reads any mutation of one character as another header or as none, never as the same", () => {
    const edit = fc.constantFrom("insert", "delete", "replace");
    fc.assert(
      fc.property(
        headers,
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 1, unit: "binary" }),
        edit,
        (header, at, piece, kind) => {
          const text = formatSignatureHeader(header);
          const position = at % text.length;
          const tail = text.slice(kind === "insert" ? position : position + 1);
          const mutated = text.slice(0, position) + (kind === "delete" ? "" : piece) + tail;
          fc.pre(mutated !== text);
          const parsed = parseSignatureHeader(mutated);
          if (parsed === undefined) return;
          // One spelling for each header: what it accepts, it would write itself.
          expect(formatSignatureHeader(parsed)).toBe(mutated);
          expect(parsed).not.toEqual(header);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("reads no arbitrary text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (text) => {
        expect(parseSignatureHeader(text)).toBeUndefined();
      }),
    );
  });

  const valid = formatSignatureHeader({
    kid: "alpha-1",
    ts: 1_700_000_000,
    nonce: "n".repeat(16),
    digest: "a".repeat(64),
    sig: "b".repeat(64),
  });
  it.each<[string, string]>([
    ["a space after a semicolon", valid.replaceAll(";", "; ")],
    ["a space at the end", `${valid} `],
    ["a newline at the end", `${valid}\n`],
    ["a semicolon at the end", `${valid};`],
    ["an unknown part", `${valid};x=1`],
    ["another order", valid.replace(/(kid=[^;]+);(ts=[^;]+)/, "$2;$1")],
    ["a part twice", valid.replace(";ts=", ";kid=alpha-1;ts=")],
    ["another version", valid.replace("v1", "v2")],
    ["an upper-case version", valid.replace("v1", "V1")],
    ["an upper-case kid", valid.replace("alpha", "Alpha")],
    ["a kid of 33", valid.replace("alpha-1", "a".repeat(33))],
    ["an empty kid", valid.replace("alpha-1", "")],
    ["no time", valid.replace("1700000000", "")],
    ["NaN as the time", valid.replace("1700000000", "NaN")],
    ["a time with a sign", valid.replace("1700000000", "+1700000000")],
    ["a time with a leading zero", valid.replace("1700000000", "01700000000")],
    ["a time with an exponent", valid.replace("1700000000", "17e8")],
    ["a time in milliseconds", valid.replace("1700000000", "1700000000000")],
    ["a nonce of 15", valid.replace("n".repeat(16), "n".repeat(15))],
    ["a nonce of 65", valid.replace("n".repeat(16), "n".repeat(65))],
    ["a nonce with padding", valid.replace("n".repeat(16), `${"n".repeat(16)}=`)],
    ["a digest in upper case", valid.replace("a".repeat(64), "A".repeat(64))],
    ["a signature of 63", valid.replace("b".repeat(64), "b".repeat(63))],
    ["a signature of 65", valid.replace("b".repeat(64), "b".repeat(65))],
    ["two headers joined", `${valid}, ${valid}`],
    ["nothing", ""],
  ])("refuses %s", (_what, text) => {
    expect(parseSignatureHeader(valid)).toBeDefined();
    expect(parseSignatureHeader(text)).toBeUndefined();
  });
});
