import { toJson } from "@bufbuild/protobuf";
import { EnvironmentSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { UsageError } from "../errors.ts";
import { print, printJson, printList } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";
import { callCentral } from "./call-central.ts";
import { expectAnswer } from "./expect-answer.ts";
import { listAll } from "./list-all.ts";

export type AddEnvironmentOptions = { suffix: string[]; sitesUrl: string; json?: boolean };
export type UpdateEnvironmentOptions = { suffix?: string[]; sitesUrl?: string; json?: boolean };

export async function addEnvironment(name: string, options: AddEnvironmentOptions): Promise<void> {
  const environment = { name, domainSuffixes: options.suffix, sitesUrl: options.sitesUrl };
  const made = await callCentral(`make the environment ${name}`, async (client) => client.createEnvironment({ environment }));
  if (options.json === true) printItem(EnvironmentSchema, made.environment, true);
  else print(`Environment ${name} is there. Next: catapult workers add <id> --environment ${name} --endpoint https://…`);
}

export async function listEnvironments(options: { json?: boolean }): Promise<void> {
  const environments = await callCentral("list the environments", async (client) =>
    listAll(async (page) => {
      const { environments: items, nextPageToken } = await client.listEnvironments(page);
      return { items, nextPageToken };
    }),
  );
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

export async function getEnvironment(name: string, options: { json?: boolean }): Promise<void> {
  const { environment } = await callCentral(`get the environment ${name}`, async (client) => client.getEnvironment({ name }));
  printItem(EnvironmentSchema, environment, options.json);
}

/** Changes what is named, if nobody else changed it meanwhile. */
export async function updateEnvironment(name: string, options: UpdateEnvironmentOptions): Promise<void> {
  const changes = {
    ...(options.suffix === undefined ? {} : { domainSuffixes: options.suffix }),
    ...(options.sitesUrl === undefined ? {} : { sitesUrl: options.sitesUrl }),
  };
  const paths = [
    ...(options.suffix === undefined ? [] : ["domain_suffixes"]),
    ...(options.sitesUrl === undefined ? [] : ["sites_url"]),
  ];
  if (paths.length === 0) throw new UsageError("say what to change: --suffix, --sites-url");
  const { environment } = await callCentral(`change the environment ${name}`, async (client) => {
    const { environment: stored } = await client.getEnvironment({ name });
    return client.updateEnvironment({ environment: Object.assign(expectAnswer(stored), changes), updateMask: { paths } });
  });
  if (options.json === true) printItem(EnvironmentSchema, environment, true);
  else print(`Environment ${name} is changed.`);
}

export async function removeEnvironment(name: string, options: { json?: boolean }): Promise<void> {
  await callCentral(`remove the environment ${name}`, async (client) => client.deleteEnvironment({ name }));
  if (options.json === true) printJson({ name });
  else print(`Environment ${name} is gone.`);
}
