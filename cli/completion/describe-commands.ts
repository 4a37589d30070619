import type { Command, Option } from "commander";

/** One command as a shell completes it. `path` is the words that lead to it, without `catapult`. */
export type CompletedCommand = {
  path: string;
  words: { word: string; about: string }[];
  options: CompletedOption[];
};
/** `values`: what may follow it; "file": a path; undefined: any word; for an option without one, "none". */
export type CompletedOption = { flags: string[]; about: string; values: string[] | "file" | "none" | undefined };

/** Every command of a program, the program itself first, so that each shell's script is made from the one tree. */
export function describeCommands(program: Command): CompletedCommand[] {
  return describe(program, []);
}

function describe(command: Command, path: string[]): CompletedCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const own = {
    path: path.join(" "),
    words: children.map((child) => ({ word: child.name(), about: firstClause(child.description()) })),
    options: help.visibleOptions(command).map(describeOption),
  };
  const named = children.filter((child) => child.name() !== "help");
  return [own, ...named.flatMap((child) => describe(child, [...path, child.name()]))];
}

function describeOption(option: Option): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  return { flags, about: firstClause(option.description), values: describeValues(option) };
}

function describeValues(option: Option): CompletedOption["values"] {
  if (!option.required && !option.optional) return "none";
  if (option.argChoices !== undefined) return option.argChoices;
  return /<(path|file|folder)>/.test(option.flags) ? "file" : undefined;
}

/** A shell has one line for it. */
function firstClause(text: string): string {
  return text.split(/[;:(]/, 1)[0]?.trim() ?? "";
}
