import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { centralVariables } from "#central/config.ts";
import { describeConfig } from "#common/config/read-config.ts";
import { workerVariables } from "#worker/config.ts";

let readme: string;

beforeAll(async () => {
  readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
});

describe.each([
  ["Central", centralVariables],
  ["Worker", workerVariables],
])("the README's table of %s", (title, variables) => {
  test("names each variable with its meaning and default, and no other", () => {
    const section = readme.split(`### ${title}\n`)[1]?.split("\n#")[0] ?? "";
    const rows = [...section.matchAll(/^\| `(\w+)`\s*\| (.*?)\s*\| (.*?)\s*\|$/gm)].map(([, name, help, value]) => ({
      name,
      help,
      value,
    }));
    const expected = describeConfig(variables).map(({ name, help, default: value, required }) => ({
      name,
      help,
      value: value === undefined ? (required ? "required" : "") : `\`${value}\``,
    }));
    expect(rows).toEqual(expected);
  });
});
