import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reasons } from "#common/rpc/reasons.ts";

const root = join(import.meta.dirname, "../..");

/** A test that reads the reasons of errors, without what it makes such errors of itself or takes for the code. */
function expectedReasons(text: string): string {
  if (!/\b(reasonOf|readReason)\(|ErrorInfoSchema/.test(text)) return "";
  return text.replaceAll(/reasonError\([^)]*\)|\bcode: "[a-z_]+"/g, "");
}

async function readSources(folder: string): Promise<Map<string, string>> {
  const names = await readdir(join(root, folder), { recursive: true });
  const files = names.filter((name) => name.endsWith(".ts") && !name.includes("node_modules"));
  const texts = await Promise.all(
    files.map(async (name) => [join(folder, name), await readFile(join(root, folder, name), "utf8")] as const),
  );
  return new Map(texts);
}

test("docs/errors.md has a line for each reason, with what it means, and none for any other", async () => {
  const page = await readFile(join(root, "docs/errors.md"), "utf8");
  const lines = [...page.matchAll(/^\| `([a-z_]+)` +\| (.*?) +\|$/gm)].map(([, reason, meaning]) => [reason, meaning]);
  expect(lines).toEqual(Object.entries(reasons));
});

test("each reason is given out somewhere, and expected by a test that reads the reasons of errors", async () => {
  const sources = [...(await readSources("central")), ...(await readSources("common")), ...(await readSources("worker"))];
  const code = sources
    .filter(([name]) => name !== "common/rpc/reasons.ts")
    .map(([, text]) => text)
    .join("\n");
  const tests = [...(await readSources("test"))].filter(([name]) => name !== "test/docs/errors.test.ts").map(([, text]) => text);
  const tested = tests.map(expectedReasons).join("\n");
  const names = Object.keys(reasons);
  expect(names.filter((reason) => !code.includes(`"${reason}"`))).toEqual([]);
  expect(names.filter((reason) => !tested.includes(`"${reason}"`))).toEqual([]);
});
