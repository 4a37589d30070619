import type { DescMessage } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { nameOptions, typed } from "../../../cli/central/name-options.ts";
import { BuildVariableSchema } from "#gen/catapult/v1/deployment_pb.js";
import { DeploymentConfigSchema, EnvironmentSchema, TokenSchema, WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { createProgram } from "../../../cli/program.ts";

/** What Central sets by itself, or what has commands of its own. */
const notTyped = ["id", "etag", "disabled", "deleting", "build_variable_names", "production_url", "preview_label", "enabled"];

test.each<[string, DescMessage, string[]]>([
  ["environment", EnvironmentSchema, []],
  ["worker", WorkerSchema, ["not_ready_reason", "draining", "slots", "running", "free_bytes", "total_bytes", "versions"]],
  ["deployment_config", DeploymentConfigSchema, []],
  ["token", TokenSchema, []],
  ["variable", BuildVariableSchema, []],
])("every field of %s that a caller can set wrong is named as it is typed", (resource, message, others) => {
  const fields = message.fields
    .filter(({ name, message: inner }) => inner === undefined && ![...notTyped, ...others].includes(name))
    .map(({ name }) => `${resource}.${name}`);
  expect(fields.filter((field) => !typed.has(field))).toEqual([]);
});

test("every option that is named is one of a command", async () => {
  const program = await createProgram([]);
  const flags = program.commands.flatMap((command) => [command, ...command.commands]).flatMap(({ options }) => options);
  const known = new Set(flags.map(({ long }) => long));
  expect([...typed.values()].filter((name) => name.startsWith("--") && !known.has(name))).toEqual([]);
});

test("options stand in place of fields, the command's own subject is not named twice, and prose is left alone", () => {
  const said =
    'environment.domain_suffixes[1]: must not contain *\nid: there is no worker w\nnote: that stays\nref: GitHub has no "x"\nthe ref: y';
  expect(nameOptions(said)).toBe(
    '--suffix: must not contain *\nthere is no worker w\nnote: that stays\n--ref: GitHub has no "x"\nthe ref: y',
  );
});
