import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { errorMessage } from "#common/error-details.ts";
import { UsageError } from "../errors.ts";
import { print, printJson } from "../output/print.ts";
import { callCentral } from "./call-central.ts";
import { splitRepository } from "./split-repository.ts";

/** Sets one build variable. Its value never comes by an argument, which every process of the machine could read. */
export async function setVariable(
  repository: string,
  name: string,
  options: { valueFile?: string; json?: boolean },
): Promise<void> {
  const names = splitRepository(repository);
  const value = await readValue(options.valueFile);
  await callCentral(`set the build variable ${name} of ${repository}`, async (client) =>
    client.setBuildVariable({ ...names, variable: { name, value } }),
  );
  if (options.json === true) printJson({ name });
  else print(`${name} is set: builds of ${repository}'s own commits get it from the next one on.`);
}

export async function removeVariable(repository: string, name: string, options: { json?: boolean }): Promise<void> {
  const names = splitRepository(repository);
  await callCentral(`remove the build variable ${name} of ${repository}`, async (client) =>
    client.deleteBuildVariable({ ...names, name }),
  );
  if (options.json === true) printJson({ name });
  else print(`${name} is gone.`);
}

export async function listVariables(repository: string, options: { json?: boolean }): Promise<void> {
  const { deploymentConfig } = await callCentral(`list the build variables of ${repository}`, async (client) =>
    client.getDeploymentConfig(splitRepository(repository)),
  );
  const names = deploymentConfig?.buildVariableNames ?? [];
  if (options.json === true) printJson(names.map((name) => ({ name })));
  else if (names.length === 0) process.stderr.write(`${repository} has no build variables.\n`);
  else for (const name of names) print(name);
}

/** The line's end that editors and echo put after a value is not part of it. */
async function readValue(file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY)
    throw new UsageError("give the value on standard input, as in `catapult … < file`, or by --value-file <path>");
  try {
    const value = file === undefined ? await text(process.stdin) : await readFile(file, "utf8");
    return value.replace(/\r?\n$/, "");
  } catch (error) {
    throw new UsageError(`--value-file: ${file} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}
