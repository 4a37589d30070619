import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { errorCode, errorMessage } from "../error-details.ts";
import { ConfigError } from "./config-error.ts";

export { ConfigError } from "./config-error.ts";

/** One environment variable: its name, its parser and its help. */
export type Variable<T> = {
  readonly name: string;
  readonly parse: (value: string) => T;
  readonly help: string;
  readonly default?: string;
  readonly required: boolean;
};

/** A variable that must be set, unless it has a default (which is parsed as if it had been given). */
export function variable<T>(name: string, parse: (value: string) => T, o: { help: string; default?: string }): Variable<T> {
  return { name, parse, required: o.default === undefined, ...o };
}

/** A variable that may be missing. */
export function optional<T>(name: string, parse: (value: string) => T, o: { help: string }): Variable<T | undefined> {
  return { name, parse, required: false, help: o.help };
}

/** What the variables of a spec say, by the spec's properties. */
export type Config<S extends Record<string, Variable<unknown>>> = { [K in keyof S]: S[K] extends Variable<infer T> ? T : never };

/**
 * Finds what is wrong between variables. Of `values`, those that could not be read are missing; `isGiven` says whether a variable is set,
 * well or badly.
 */
export type Checks<S extends Record<string, Variable<unknown>>> = (
  values: Partial<Config<S>>,
  isGiven: (property: keyof S) => boolean,
) => readonly { variable: string; problem: string }[];

/**
 * Reads every variable of `spec`, runs the checks between them and names all problems at once (ConfigError). Empty means unset. A variable `NAME` may be given as
 * `NAME_FILE`, the path of a file that holds the value (its last newline is dropped); a name that itself ends in `_FILE` holds a path, which
 * must be a file that can be read. Messages never quote a value, as it may be a secret.
 */
export function readConfig<S extends Record<string, Variable<unknown>>>(
  env: NodeJS.ProcessEnv,
  spec: S,
  checks: Checks<S> = () => [],
): Config<S> {
  const problems: { variable: string; problem: string }[] = [];
  const config: Record<string, unknown> = {};
  for (const [property, item] of Object.entries(spec)) {
    try {
      const raw = readRaw(env, item.name) ?? item.default;
      if (raw === undefined && item.required) throw new Error(`is not set; ${item.help}`);
      config[property] = raw === undefined ? undefined : item.parse(raw);
    } catch (error) {
      problems.push({ variable: item.name, problem: errorMessage(error) });
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the loop above set each property by the parser that gives its type
  const values = config as Config<S>;
  problems.push(...checks(values, (property) => isGiven(env, spec[property]!.name)));
  if (problems.length > 0) throw new ConfigError(problems);
  return values;
}

/** What `--help` prints of each variable. */
export function describeConfig(
  spec: Record<string, Variable<unknown>>,
): { name: string; help: string; default?: string; required: boolean }[] {
  return Object.values(spec).map((item) => ({
    name: item.name,
    help: item.help,
    ...(item.default === undefined ? {} : { default: item.default }),
    required: item.required,
  }));
}

function isGiven(env: NodeJS.ProcessEnv, name: string): boolean {
  return Boolean(env[name]) || (!name.endsWith("_FILE") && Boolean(env[`${name}_FILE`]));
}

function readRaw(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name] || undefined;
  if (name.endsWith("_FILE")) {
    if (value !== undefined) checkReadable(value);
    return value;
  }
  const file = env[`${name}_FILE`] || undefined;
  if (file === undefined) return value;
  if (value !== undefined) throw new Error(`is set twice: give it as ${name} or as ${name}_FILE, not both`);
  checkReadable(file);
  const content = readFileSync(file, "utf8").replace(/\r?\n$/, "");
  if (content === "") throw new Error(`the file ${file}, named by ${name}_FILE, is empty`);
  return content;
}

function checkReadable(path: string): void {
  try {
    if (!statSync(path).isFile()) throw new Error("not a file");
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new Error(`the file ${path} cannot be read (${errorCode(error) ?? errorMessage(error)})`, {
      cause: error,
    });
  }
}
