import { Code } from "@connectrpc/connect";
import type { ClientBase, Pool } from "pg";
import type { DescMessage } from "@bufbuild/protobuf";
import type { Actor } from "./actor.ts";
import { lockSuffixes, selectNarrowerEnvironment, selectTakenSuffix } from "./sql/select-suffix-owner.ts";
import { fieldError } from "./violation.ts";

/**
 * A suffix is one environment's. Hosts would not clash without that, as each is unique, but the names under a suffix lead to one worker, and one
 * tenant could take the hosts that another counts on.
 */
export async function refuseTakenSuffixes(
  client: ClientBase,
  request: DescMessage,
  environment: { name: string; domainSuffixes: readonly string[] },
): Promise<void> {
  await lockSuffixes(client);
  const taken = await selectTakenSuffix(client, environment.domainSuffixes, environment.name);
  if (taken === undefined) return;
  const message = `${taken.suffix} is the environment ${taken.environment}'s: a suffix has one environment, and a longer one under it may have another`;
  const field = `environment.domain_suffixes[${environment.domainSuffixes.indexOf(taken.suffix)}]`;
  throw fieldError(Code.AlreadyExists, request, [{ field, message }], "suffix_taken");
}

/** Says that a host is under a longer suffix of another environment, which is named to those alone who may see it. */
export async function findTakenSuffix(
  client: ClientBase | Pool,
  host: string,
  environment: string,
  actor: Actor,
): Promise<string | undefined> {
  const narrower = await selectNarrowerEnvironment(client, host, environment);
  if (narrower === undefined) return undefined;
  const whose = actor.environment === undefined ? `the environment ${narrower}` : "another environment";
  return `the host ${host} is under a suffix of ${whose}, which is longer than those of the environment ${environment}`;
}
