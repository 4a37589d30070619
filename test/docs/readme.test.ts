import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { centralVariables } from "#central/config.ts";
import { describeConfig } from "#common/config/read-config.ts";
import { describeCommands } from "../../cli/completion/describe-commands.ts";
import { createProgram } from "../../cli/program.ts";
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

/** The commands of the README's shell lines, without what is around them. */
function findCommands(): string[] {
  const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block.replaceAll("\\\n", " "));
  const found = blocks.flatMap((block) =>
    [...block.matchAll(/(?<![\w./-])catapult ([a-z][^#<>()\n]*)/g)].map(([, words = ""]) => words),
  );
  return found.map((words) => words.trim().replaceAll('"', ""));
}

test("every command that the README shows is one, with options that it has", async () => {
  const commands = describeCommands(await createProgram([]));
  const shown = findCommands();
  expect(shown.length).toBeGreaterThan(20);
  const problems = shown.flatMap((line) => {
    const words = line.split(/\s+/);
    const paths = [3, 2, 1].map((count) => words.slice(0, count).join(" "));
    const command = paths.map((path) => commands.find((one) => one.path === path)).find((one) => one !== undefined);
    // A group alone does nothing.
    if (command === undefined || command.words.length > 0) return [`catapult ${line}: no such command`];
    const flags = command.options.flatMap((option) => option.flags);
    const unknown = words.filter((word) => /^--?[a-z]/.test(word) && !flags.includes(word));
    return unknown.map((flag) => `catapult ${line}: no option ${flag}`);
  });
  expect(problems).toEqual([]);
});

test("every npm script that the README names is there, and each of a developer's is named", async () => {
  const file: unknown = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
  const scripts = Object.keys(typeof file === "object" && file !== null && "scripts" in file && file.scripts ? file.scripts : {});
  const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
  // Of the sites that are built, where it stands in the table of site types.
  const others = named.filter((name) => name !== "build");
  expect(others.filter((name) => name === undefined || !scripts.includes(name))).toEqual([]);
  const parts = scripts.filter((name) => !name.startsWith("check:"));
  expect(parts.filter((name) => !new RegExp(`(npm (run )?|, |; )${name}\\b`).test(readme))).toEqual([]);
});

test("every file that the README and the pages of docs link to is there", async () => {
  const folder = join(import.meta.dirname, "../..");
  const missing: string[] = [];
  for (const page of ["README.md", "docs/security.md", "docs/tls.md", "docs/errors.md"]) {
    const text = await readFile(join(folder, page), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
    missing.push(...links.filter((link) => !existsSync(join(folder, dirname(page), link))).map((link) => `${page}: ${link}`));
  }
  expect(missing).toEqual([]);
});
