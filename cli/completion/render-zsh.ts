import type { CompletedCommand } from "./describe-commands.ts";

/** Completion for zsh; works from a folder of $fpath and sourced. */
export function renderZsh(commands: readonly CompletedCommand[]): string {
  const paths = commands.filter(({ path }) => path !== "").map(({ path }) => `" ${path}"`);
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, values: allowed }) => {
      if (allowed === "none") return [];
      const pattern = flags.map((flag) => `"${path === "" ? "" : ` ${path}`} ${flag}"`).join("|");
      if (allowed === "file") return [`    ${pattern}) _files; return ;;`];
      return allowed === undefined
        ? [`    ${pattern}) return ;;`]
        : [`    ${pattern}) compadd -- ${allowed.map(quote).join(" ")}; return ;;`];
    }),
  );
  const cases = commands.map(({ path, words, options }) => {
    const names = words.map(({ word, about }) => quote(`${word}:${about}`)).join(" ");
    const flags = options.flatMap((option) => option.flags.map((flag) => quote(`${flag}:${option.about}`))).join(" ");
    return `    "${path === "" ? "" : ` ${path}`}") names=(${names}); flags=(${flags}) ;;`;
  });
  return `#compdef catapult
# Completion of catapult for zsh: catapult completion zsh > "\${fpath[1]}/_catapult", or source <(catapult completion zsh)
_catapult() {
  local at="" each before="\${words[CURRENT-1]}"
  local -a names flags
  for each in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $each" in
    ${paths.join("|")}) at="$at $each" ;;
    esac
  done
  case "$at $before" in
${values.join("\n")}
  esac
  case "$at" in
${cases.join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* || \${#names} -eq 0 ]]; then
    _describe -o option flags
  else
    _describe command names
  fi
}
if [ "\${funcstack[1]}" = _catapult ]; then _catapult "$@"; else compdef _catapult catapult; fi
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
