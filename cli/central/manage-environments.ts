import { toJson } from "@bufbuild/protobuf";
import { EnvironmentSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { print, printJson, printList } from "../output/print.ts";
import { callCentral } from "./call-central.ts";

export type AddEnvironmentOptions = { suffix: string[]; sitesUrl: string; json?: boolean };

export async function addEnvironment(name: string, options: AddEnvironmentOptions): Promise<void> {
  const environment = { name, domainSuffixes: options.suffix, sitesUrl: options.sitesUrl };
  const made = await callCentral(`make the environment ${name}`, async (client) => client.createEnvironment({ environment }));
  if (options.json === true) printJson(made.environment && toJson(EnvironmentSchema, made.environment));
  else print(`Environment ${name} is there. Next: catapult workers add <id> --environment ${name} --endpoint https://…`);
}

export async function listEnvironments(options: { json?: boolean }): Promise<void> {
  const { environments } = await callCentral("list the environments", async (client) => client.listEnvironments({}));
  printList(environments, {
    json: options.json,
    toJson: (item) => toJson(EnvironmentSchema, item),
    columns: {
      NAME: (item) => item.name,
      SUFFIXES: (item) => item.domainSuffixes.join(", "),
      "SITES' URL": (item) => item.sitesUrl,
    },
    none: "There are no environments.",
  });
}

export async function removeEnvironment(name: string): Promise<void> {
  await callCentral(`remove the environment ${name}`, async (client) => client.deleteEnvironment({ name }));
  print(`Environment ${name} is gone.`);
}
