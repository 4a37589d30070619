import type { CompletedCommand } from "./describe-commands.ts";

/** Completion for fish 3 and later. */
export function renderFish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, words, options }) => {
    const here = `-n '__catapult_at ${JSON.stringify(path)}'`;
    return [
      ...words.map(({ word, about }) => `complete -c catapult ${here} -f -a ${word} -d ${quote(about)}`),
      ...options.map(({ flags, about, values }) => {
        const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(" ");
        return `complete -c catapult ${here} ${names}${describeValues(values)} -d ${quote(about)}`;
      }),
    ];
  });
  const paths = commands.filter(({ path }) => path !== "").map(({ path }) => JSON.stringify(path));
  return `# Completion of catapult for fish: catapult completion fish > ~/.config/fish/completions/catapult.fish
function __catapult_at
    set -l at
    for each in (commandline -opc)[2..]
        if contains -- "$at$each" ${paths.join(" ")}
            set at "$at$each "
        end
    end
    test (string trim -- "$at") = "$argv[1]"
end
complete -c catapult -f
${lines.join("\n")}
`;
}

function describeValues(values: CompletedCommand["options"][number]["values"]): string {
  if (values === "none") return "";
  if (values === "file") return " -r -F";
  return values === undefined ? " -x" : ` -x -a ${quote(values.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
