import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const tests = join(import.meta.dirname, "..");

/** What must have a test of its number: the attacks of forks, builds, members and workers, the bad inputs and the faults of builds. */
const wanted = [
  ...range(1, 8).map((number) => `F${number}`),
  ...range(1, 9).map((number) => `B${number}`),
  ...range(1, 5).map((number) => `M${number}`),
  ...range(1, 3).map((number) => `W${number}`),
  ...range(15, 61).map((number) => `input ${number}`),
  ...[16, 17, ...range(22, 31), 44].map((number) => `fault ${number}`),
];

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The numbers at the beginning of a title: `F5, input 24 …`, `F1–F3 …`, `input 59, 60 …`, `fault 44 …`. */
function readNumbers(title: string): string[] {
  const found: string[] = [];
  const part = /^(?:([FBMWO])(\d)(?:–\1?(\d))?|(?:(input|fault) )?(\d\d)(?:–(\d\d))?)(?=[,: ]|$)(?:, )?/;
  let kind = "";
  for (let rest = title; ;) {
    const match = part.exec(rest);
    if (match === null) return found;
    const [all, letter, first, last, word, from, to] = match;
    if (letter !== undefined) for (const number of range(Number(first), Number(last ?? first))) found.push(`${letter}${number}`);
    else {
      kind = word ?? kind;
      if (kind === "") return found;
      for (const number of range(Number(from), Number(to ?? from))) found.push(`${kind} ${number}`);
    }
    rest = rest.slice(all.length);
    if (!all.endsWith(", ")) return found;
  }
}

/**
 * The titles of a test file's tests, of the rows of their tables, which begin with theirs, and of groups that hold a test. What is skipped is
 * none.
 */
function readTitles(source: string): string[] {
  const call = /\b(?:test|it|fault)(?:\.(?:each|for|concurrent|sequential))*\(\s*(["'`])(.*?)\1/g;
  const afterTable = /\]\)\(\s*(["'`])(.*?)\1/g;
  const row = /(?:\[\s*|\bwhat: )(["'`])((?:[FBMW]\d|input \d|fault \d).*?)\1/g;
  const titles = [call, afterTable, row].flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[2] ?? ""));
  // A group ends where a line closes it at its own indentation.
  const group = /^( *)describe\(\s*(["'`])(.*?)\2(.*?)^\1\}\);$/gms;
  const groups = [...source.matchAll(group)].filter((match) => new RegExp(call.source).test(match[4] ?? ""));
  return [...titles, ...groups.map((match) => match[3] ?? "")];
}

test("every attack, bad input and fault that the builds must stand has a test that is named by its number", async () => {
  const files = (await readdir(tests, { recursive: true })).filter((name) => name.endsWith(".test.ts"));
  const sources = await Promise.all(files.map(async (name) => readFile(join(tests, name), "utf8")));
  const numbers = new Set(sources.flatMap(readTitles).flatMap(readNumbers));
  expect(wanted.filter((number) => !numbers.has(number))).toEqual([]);
});

test("a number counts at a title's beginning alone, and ranges and lists count whole", () => {
  expect(readNumbers("F1–F3 no pull request")).toEqual(["F1", "F2", "F3"]);
  expect(readNumbers("F5, input 24 a branch")).toEqual(["F5", "input 24"]);
  expect(readNumbers("B5, input 59, 60 links")).toEqual(["B5", "input 59", "input 60"]);
  expect(readNumbers("input 15–17 text")).toEqual(["input 15", "input 16", "input 17"]);
  for (const none of ["32 bytes in base64url", "a build of F1", "input", "B12 x", "input 1000 files"])
    expect([none, readNumbers(none)]).toEqual([none, []]);
  expect(readTitles('test.skip("F1 x", () => {}); test("F2 x", () => {})')).toEqual(["F2 x"]);
  expect(
    readTitles('describe("F1 x", () => {\n  const title = "none";\n});\ndescribe("F2 x", () => {\n  test("a", f);\n});'),
  ).toEqual(["a", "F2 x"]);
});
