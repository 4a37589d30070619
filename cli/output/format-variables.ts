import { describeConfig, type Variable } from "#common/config/read-config.ts";

/** The environment variables of a command for its help: name, required or default, and what it is for. */
export function formatVariables(variables: Record<string, Variable<unknown>>): string {
  const described = describeConfig(variables);
  const width = Math.max(...described.map(({ name }) => name.length));
  const lines = described.map((item) => `  ${item.name.padEnd(width)}  ${item.help}${formatNeed(item)}`);
  const file = "NAME_FILE may name a file that holds NAME's value; a name that itself ends in _FILE holds a path.";
  return ["Environment variables:", ...lines, "", file].join("\n");
}

function formatNeed(item: { default?: string; required: boolean }): string {
  if (item.required) return " (required)";
  return item.default === undefined || item.default === "" ? "" : ` (default: ${item.default})`;
}
