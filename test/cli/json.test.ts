import type { Command } from "commander";
import { expect, test } from "vitest";
import { createProgram } from "../../cli/program.ts";

/** What these print is no answer: daemons log, and a shell reads the completion. */
const without = ["up", "central", "worker", "completion"];

/** Every command that does something, by its words. */
function listCommands(command: Command, words: readonly string[] = []): { words: string; command: Command }[] {
  if (command.commands.length === 0) return [{ words: words.join(" "), command }];
  return command.commands.flatMap((each) => listCommands(each, [...words, each.name()]));
}

test("every command that answers does so in JSON where it is asked for", async () => {
  const commands = listCommands(await createProgram([]));
  expect(commands.length).toBeGreaterThan(40);
  const lacking = commands.filter(({ command }) => !command.options.some(({ long }) => long === "--json"));
  expect(lacking.map(({ words }) => words)).toEqual(without);
});
