import type { CompletedCommand } from "./describe-commands.ts";

/** Completion for bash 4 and later, without bash-completion. */
export function renderBash(commands: readonly CompletedCommand[]): string {
  const paths = commands.filter(({ path }) => path !== "").map(({ path }) => `" ${path}"`);
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, values: allowed }) => {
      if (allowed === "none") return [];
      const pattern = flags.map((flag) => `"${join(path, flag)}"`).join("|");
      if (allowed === "file") return [`    ${pattern}) compopt -o default; return ;;`];
      return allowed === undefined
        ? [`    ${pattern}) return ;;`]
        : [`    ${pattern}) COMPREPLY=($(compgen -W "${allowed.join(" ")}" -- "$word")); return ;;`];
    }),
  );
  const words = commands.map(({ path, words: names, options }) => {
    const all = [...names.map(({ word }) => word), ...options.flatMap(({ flags }) => flags)].join(" ");
    return `    "${path === "" ? "" : ` ${path}`}") words="${all}" ;;`;
  });
  return `# Completion of catapult for bash: source <(catapult completion bash)
_catapult() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at="" words="" each
  COMPREPLY=()
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $each" in
    ${paths.join("|")}) at="$at $each" ;;
    esac
  done
  case "$at $before" in
${values.join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _catapult catapult
`;
}

function join(path: string, flag: string): string {
  return path === "" ? ` ${flag}` : ` ${path} ${flag}`;
}
