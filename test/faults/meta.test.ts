import { expect, test } from "vitest";
import { failpoints } from "#common/failpoints.ts";
import { readCallTitles, readSources, readTitles } from "#test/support/read-sources.ts";

const ownFile = "test/faults/meta.test.ts";

/**
 * Of the list's 45, all but 27 to 31 and 44: those concern builds alone, and test/docs/attack-numbers.test.ts holds them. 16 is here by the
 * kill of a build's first process; its kills of conmon and of Podman's client have no watch and no invariants around them
 * (test/attack/faults.test.ts).
 */
const numbers = Array.from({ length: 45 }, (_, index) => String(index + 1).padStart(2, "0")).filter(
  (number) => !(number >= "27" && number <= "31") && number !== "44",
);

/** "fault 23", "faults 19, 20 and 21", "fault 13, 15": the numbers that a title begins with. */
function readNumbers(title: string): string[] {
  return /^faults? (\d\d(?:(?:, | and )\d\d)*)\b/.exec(title)?.[1]?.match(/\d\d/g) ?? [];
}

test("a title's numbers are read from a word before them", () => {
  expect(
    readTitles('test("fault 01 a", () => {}); describe.each([[1, "(x)"]])(`faults 02, 03 and 04: ${x}`, f)').flatMap(readNumbers),
  ).toEqual(["01", "02", "03", "04"]);
  expect(readNumbers("after faults 01 to 09 every invariant holds")).toEqual([]);
});

test("every fault of the list is injected at least once between a watch and the invariants, by a test with its number in its title", async () => {
  const injected = new Set<string>();
  for (const [file, source] of await readSources("test/faults"))
    if (file.endsWith(".test.ts") && file !== ownFile)
      for (const number of readCallTitles(source, "fault").flatMap(readNumbers)) injected.add(number);
  expect(numbers.filter((number) => !injected.has(number))).toEqual([]);
});

test("every fault in this folder is given by the call that puts it between a watch and the invariants", async () => {
  for (const [file, source] of await readSources("test/faults")) {
    if (!file.endsWith(".test.ts") || file === ownFile) continue;
    const unwatched = readCallTitles(source, "test", "describe").filter((title) => readNumbers(title).length > 0);
    expect({ file, unwatched, given: source.includes("const fault = faultsOn(") }).toEqual({ file, unwatched: [], given: true });
  }
});

/**
 * That an armed failpoint was really hit is told by the daemon's own word on stderr: a stack that stops throws for each that was armed and
 * not hit (test/support/daemon.ts).
 */
test("every failpoint is passed somewhere in the daemons, and armed by a test that runs one", async () => {
  const passed = [...(await readSources("central", "worker", "common")).values()].join("\n");
  expect(failpoints.filter((name) => !passed.includes(`failpoint("${name}")`))).toEqual([]);
  const armed = [...(await readSources("test"))]
    .filter(
      ([file, source]) =>
        file !== ownFile && /CATAPULT_FAILPOINT|\.arm\(|aloneWith\(/.test(source) && source.includes("startStack"),
    )
    .map(([, source]) => source)
    .join("\n");
  expect(failpoints.filter((name) => !armed.includes(`"${name}"`) && !armed.includes(`${name}:`))).toEqual([]);
});
