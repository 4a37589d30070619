import { array, assert, constantFrom, integer, nat, pre, property, record, string, stringMatching, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { createMasker, mask, type Masker } from "#worker/mask/create-masker.ts";
import { createLineSplitter, lineLimit } from "#worker/sandbox/split-lines.ts";

const pem = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIKq1T0vZy8cXh0Yw9g5rK7n3mB2dLQ4uF6sJ1eWzRtPo
Nq8xTbVgHjKlZaYwSdCeRfUiOpMnBhGtFvXcDzLqEyW2
-----END PRIVATE KEY-----
`;

/** Everything that comes out of a build's two ends: chunks in, lines out. */
function run(masker: Masker, chunks: readonly (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line), masker);
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return lines;
}

const encoders: Record<string, (secret: string, before: string) => string> = {
  raw: (secret) => secret,
  base64: (secret, before) => Buffer.from(before + secret).toString("base64"),
  base64url: (secret, before) => Buffer.from(before + secret).toString("base64url"),
  hex: (secret) => Buffer.from(secret).toString("hex"),
  HEX: (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  encodeURIComponent: (secret) => encodeURIComponent(secret),
  "a form's encoding": (secret) => new URLSearchParams({ a: secret }).toString().slice(2),
  "lower-case escapes": (secret) => encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
  "JSON in ASCII": (secret) =>
    JSON.stringify(secret)
      .slice(1, -1)
      .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  JSON: (secret) => JSON.stringify({ a: secret }).slice(6, -2),
};

/** What no line may hold: the middle of the encoded secret, without what its neighbours decide of its ends. */
function core(encoded: string, name: string): string {
  return name.startsWith("base64") ? encoded.replace(/=+$/, "").slice(4, -1) : encoded;
}

const secrets = stringMatching(/^[!-~äé€👍][ -~äé€👍]{6,60}[!-~]$/u).filter((text) => text.replaceAll(" ", "").length >= 8);
const quiet = stringMatching(/^[ .,]{0,12}$/);

describe.each(Object.keys(encoders))("a secret as %s", (name) => {
  const encode = encoders[name]!;

  test("never gets through, wherever one of two chunks ends", () => {
    assert(
      property(secrets, stringMatching(/^.{0,4}$/), quiet, quiet, (secret, inside, before, after) => {
        const encoded = encode(secret, inside);
        const masker = createMasker([secret]);
        const bytes = Buffer.from(`${before}${encoded}${after}\n`);
        for (let cut = 0; cut <= bytes.length; cut++) {
          const [line, ...more] = run(masker, [bytes.subarray(0, cut), bytes.subarray(cut)]);
          expect(more).toEqual([]);
          expect(line).not.toContain(core(encoded, name));
          expect(line).toContain(mask);
          expect(line).toBe(name.startsWith("base64") ? line : `${before}${mask}${after}`);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("never gets through, wherever a line's end is put into it", () => {
    assert(
      property(secrets, stringMatching(/^.{0,4}$/), (secret, inside) => {
        const encoded = encode(secret, inside);
        const masker = createMasker([secret]);
        const middle = core(encoded, name);
        const characters = Array.from(encoded);
        for (let cut = 1; cut < characters.length; cut++) {
          const broken = `${characters.slice(0, cut).join("")}\n${characters.slice(cut).join("")}\n`;
          const shown = run(masker, [broken]).join("");
          expect(shown).not.toContain(middle);
          expect(name.startsWith("base64") ? "" : shown.replaceAll(mask, "")).toBe("");
        }
      }),
      { numRuns: 40 },
    );
  });

  test("leaves no part of itself where a line is cut at its limit, or at the splitter's own", () => {
    assert(
      property(secrets, nat(80), constantFrom(lineLimit - 1, 4 * lineLimit), (secret, shift, limit) => {
        const encoded = encode(secret, "");
        pre(!/[.*]/.test(encoded));
        // Colours take room in what the splitter holds of a line, and none in what is left of it.
        const before = Math.max(0, limit - shift);
        const filler = limit > lineLimit ? "\u001B[m".repeat(Math.floor(before / 3)) : ".".repeat(before);
        const [line] = run(createMasker([secret]), [`${filler}${encoded}${".".repeat(4 * lineLimit)}\n`]);
        expect(line!.length).toBeLessThanOrEqual(lineLimit);
        const shown = line!.replace(/…$/, "").replaceAll("*", "").replaceAll(".", "");
        // Of the last character of base64 the secret decides only some bits.
        expect(name.startsWith("base64") ? shown.replace(/^.?=*$/, "") : shown).toBe("");
      }),
      { numRuns: 100 },
    );
  });
});

test("text without a secret in it is unchanged, and comes in the same lines", () => {
  assert(
    property(
      array(string({ unit: "grapheme" }), { maxLength: 20 }),
      array(secrets, { maxLength: 3 }),
      nat(200),
      (texts, found, cut) => {
        const lines = texts.map((text) => run(createMasker([]), [text])[0] ?? "");
        const whole = lines.join("");
        pre(createMasker(found).text(whole) === whole);
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        expect(run(createMasker(found), [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(lines);
      },
    ),
  );
});

test("of any text around and between secrets nothing is changed", () => {
  const other = stringMatching(/^[0-3 ]{0,9}$/);
  assert(
    property(array(tuple(other, constantFrom("s3cr3t-tok3n", "anöther-öne!")), { maxLength: 6 }), other, (parts, end) => {
      const text = `${parts.map(([before, secret]) => before + secret).join("")}${end}`;
      const expected = `${parts.map(([before]) => `${before}${mask}`).join("")}${end}`.replaceAll(/(\*\*\*)+/g, mask);
      expect(createMasker(["s3cr3t-tok3n", "anöther-öne!"]).text(text)).toBe(expected);
    }),
  );
});

test("a secret of many lines is masked whole and line by line, as it is, with other line ends, and wrapped in base64", () => {
  const masker = createMasker([pem]);
  const wrapped = Buffer.from(pem).toString("base64").replaceAll(/.{76}/g, "$&\n");
  for (const text of [
    pem,
    pem.replaceAll("\n", "\r\n"),
    pem.replaceAll("\n", "\\n"),
    wrapped,
    Buffer.from(pem).toString("hex").replaceAll(/.{60}/g, "$&\n"),
  ]) {
    const shown = run(masker, [`before\n${text}\nafter\n`]);
    expect(shown.at(0)).toBe("before");
    expect(shown.at(-1)).toBe("after");
    expect(
      shown
        .slice(1, -1)
        .join("")
        .replaceAll(mask, "")
        .replaceAll(/\\n|[A-Za-z0-9]{0,2}=*$/g, ""),
    ).toBe("");
  }
  for (const line of pem.trim().split("\n")) expect(run(masker, [`x ${line} y\n`])).toEqual([`x ${mask} y`]);
});

test("a secret that colours, invisible characters and a progress bar's carriage returns tear apart is masked", () => {
  const masker = createMasker(["s3cr3t-tok3n"]);
  expect(run(masker, ["\u001B[31ms3cr\u001B[0m3t-\u200Btok\u00003n!\n"])).toEqual([`${mask}!`]);
  expect(run(masker, ["10 %\rs3cr3t-tok3n\r"])).toEqual([mask]);
});

test("secrets that overlap or hold one another are all masked", () => {
  const masker = createMasker(["abcdefgh", "defghijkl", "efg-nothing"]);
  expect(masker.text("1abcdefghijkl2")).toBe(`1${mask}2`);
  expect(masker.text("1abcdefg-nothing2")).toBe(`1abcd${mask}2`);
});

test("every line comes as often as it went in, in order, and no line is held longer than a secret could go on", () => {
  assert(
    property(array(constantFrom("a", "aab", "aaa", "", "b", "aabaa")), integer({ min: 0, max: 3 }), (lines, tail) => {
      const out: string[] = [];
      const sink = createMasker(["aabaabaabaab"]).lines((line) => out.push(line));
      let most = 0;
      for (const [index, line] of lines.entries()) {
        sink.write(line);
        most = Math.max(most, index + 1 - out.length);
      }
      for (let n = 0; n < tail; n++) sink.write("");
      sink.end();
      expect(out).toHaveLength(lines.length + tail);
      expect(most).toBeLessThanOrEqual(26);
    }),
  );
});

test("a line that cannot begin a secret is not held back", () => {
  const out: string[] = [];
  const sink = createMasker(["s3cr3t-tok3n"]).lines((line) => out.push(line));
  sink.write("building …");
  expect(out).toEqual(["building …"]);
  sink.write("the first half is s3cr3t");
  expect(out).toHaveLength(1);
  sink.write("-tok3n");
  expect(out).toEqual(["building …", `the first half is ${mask}`, mask]);
});

test("the greatest allowed set of secrets is masked in every form", () => {
  const many = Array.from({ length: 200 }, (_, n) => `${n}-${"x".repeat(150)}-${n * n}`);
  const masker = createMasker(many);
  assert(
    property(record({ n: nat(199), form: constantFrom(...Object.keys(encoders)) }), ({ n, form }) => {
      const encoded = encoders[form]!(many[n]!, "");
      expect(masker.text(encoded)).not.toContain(core(encoded, form));
    }),
    { numRuns: 50 },
  );
});
