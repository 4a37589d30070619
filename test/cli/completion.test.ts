import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { describeCommands } from "../../cli/completion/describe-commands.ts";
import { renderCompletion } from "../../cli/completion/render-completion.ts";
import { createProgram } from "../../cli/program.ts";

let program: Command;
beforeAll(async () => {
  program = await createProgram([]);
});

/** What bash offers after these words, the last of which is being typed. */
async function complete(...words: string[]): Promise<string[]> {
  const script = `${renderCompletion("bash", program)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _catapult; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script, "bash", "catapult", ...words]);
  return stdout.trim().split("\n");
}

describe("in bash", () => {
  test.each([
    [["deplo"], ["deployments", "deploy"]],
    [
      ["workers", "r"],
      ["rotate-key", "remove"],
    ],
    [["configs", "add", "acme/site", "--site-type", "z"], ["zola"]],
    [["configs", "variables", "s"], ["set"]],
    [
      ["deployments", "list", "--state", "su"],
      ["succeeded", "superseded"],
    ],
    [["deployments", "logs", "7", "--fo"], ["--follow"]],
    [
      ["tokens", "create", "x", "--scope", ""],
      ["read", "write"],
    ],
    // A word of which nothing is known, and a command's argument that reads like another command.
    [["configs", "add", "acme/site", "--environment", "w"], [""]],
    [["sites", "get", "deploy", "--js"], ["--json"]],
  ])("%s leads to %s", async (words, offered) => {
    expect(await complete(...words)).toEqual(offered);
  });
});

const isThere = (shell: string) => spawnSync(shell, ["-c", "exit"]).status === 0;
const lines = [
  ["deplo", ["deployments", "deploy"]],
  ["workers r", ["rotate-key", "remove"]],
  ["deployments logs 7 --fo", ["--follow"]],
  ["deployments list --state su", ["succeeded", "superseded"]],
  ["sites get deploy --js", ["--json"]],
] as const;

// Debian has fish and zsh as packages, which set-up does not install.
describe.skipIf(!isThere("fish"))("in fish, where it is installed", () => {
  test.each(lines)("%s leads to %s", async (typed, offered) => {
    const script = `${renderCompletion("fish", program)}\ncomplete -C 'catapult ${typed}'`;
    const { stdout } = await promisify(execFile)("fish", ["--no-config", "-c", script]);
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]);
    expect(new Set(found)).toEqual(new Set(offered));
  });
});

describe.skipIf(!isThere("zsh"))("in zsh, where it is installed", () => {
  test.each(lines)("%s leads to %s", async (typed, offered) => {
    // What it hands to the completion system, without a terminal.
    const script = `compdef() { :; }
compadd() { shift; print -l -- "$@"; }
_describe() { print -l -- "\${(@P)@[-1]}"; }
${renderCompletion("zsh", program)}
words=(catapult ${typed}); CURRENT=$#words; _catapult`;
    const { stdout } = await promisify(execFile)("zsh", ["-f", "-c", script]);
    const last = typed.split(" ").at(-1) ?? "";
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(":")[0] ?? "");
    expect(new Set(found.filter((word) => word.startsWith(last)))).toEqual(new Set(offered));
  });
});

test.each(["bash", "zsh", "fish"])("the script of %s knows every command and option", (shell) => {
  const script = renderCompletion(shell, program);
  const commands = describeCommands(program);
  expect(commands.length).toBeGreaterThan(40);
  for (const { path, words, options } of commands) {
    expect(script).toContain(path);
    for (const { word } of words) expect(script).toContain(word);
    for (const { flags } of options) {
      for (const flag of flags)
        expect(script).toContain(shell === "fish" ? ` -${flag.replace(/^--/, "l ").replace(/^-(?=\w$)/, "s ")} ` : flag);
    }
  }
});
