import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { EnvironmentSchema, UpdateEnvironmentRequestSchema, type Environment } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, requireUnbound } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkConfigHosts } from "./check-deployment-config.ts";
import { checkEnvironment } from "./check-environment.ts";
import { labelsBeforeSuffix } from "./check-site-host.ts";
import { checkEtag } from "./etag.ts";
import { environmentMessage } from "./messages.ts";
import { environmentNotFound } from "./not-found.ts";
import { refuseTakenSuffixes } from "./refuse-taken-suffixes.ts";
import type { EnvironmentRow } from "./rows.ts";
import { addCommentJobs } from "./sql/add-jobs-of-environment.ts";
import { countOfEnvironment } from "./sql/count-of-environment.ts";
import { lockEnvironment } from "./sql/select-environment.ts";
import { selectHostsOfEnvironment } from "./sql/select-hosts-of-environment.ts";
import { updateEnvironmentRow } from "./sql/update-environment.ts";
import { refuseViolations } from "./violation.ts";

export const environmentPaths = ["domain_suffixes", "sites_url"] as const;

type Paths = ReadonlySet<(typeof environmentPaths)[number]>;

/** Changes an environment. Its suffixes say whose hosts its tenants may take, so whoever is bound to it does not change them. */
export async function updateEnvironment(
  pool: pg.Pool,
  environment: Environment,
  paths: Paths,
  actor: Actor,
): Promise<EnvironmentRow> {
  requireUnbound(actor, "changing an environment");
  return withTransaction(pool, async (client) => {
    const before = await lockEnvironment(client, environment.name);
    if (before === undefined) throw environmentNotFound(environment.name);
    checkEtag(environment.etag, before, `the environment ${before.name}`);
    const domainSuffixes = paths.has("domain_suffixes") ? environment.domainSuffixes : before.domain_suffixes;
    const sitesUrl = paths.has("sites_url") ? environment.sitesUrl : before.sites_url;
    refuseViolations(UpdateEnvironmentRequestSchema, checkEnvironment({ domainSuffixes, sitesUrl }));
    const sameSuffixes = JSON.stringify(domainSuffixes) === JSON.stringify(before.domain_suffixes);
    if (sameSuffixes && sitesUrl === before.sites_url) return before;
    if (!sameSuffixes) {
      await refuseNeededSuffixes(client, before, domainSuffixes);
      await refuseTakenSuffixes(client, UpdateEnvironmentRequestSchema, { name: before.name, domainSuffixes });
    }
    if (sitesUrl !== before.sites_url) await refuseWhileRunning(client, before);
    const after = await updateEnvironmentRow(client, before.id, { domainSuffixes, sitesUrl });
    if (sitesUrl !== before.sites_url) await addCommentJobs(client, before.id);
    const written = { method: "UpdateEnvironment", resource: `environments/${after.name}`, environment: after.name };
    const change = { before: environmentMessage(before), after: environmentMessage(after) };
    await audit(client, actor, written, { schema: EnvironmentSchema, ...change });
    return after;
  });
}

async function refuseNeededSuffixes(
  client: pg.ClientBase,
  row: EnvironmentRow,
  domainSuffixes: readonly string[],
): Promise<void> {
  const hosts = await selectHostsOfEnvironment(client, row.id);
  const left = hosts.filter(({ host, previewLabel }) =>
    previewLabel === ""
      ? labelsBeforeSuffix(host, domainSuffixes) === undefined
      : checkConfigHosts({ domain: host }, { name: row.name, domainSuffixes }, previewLabel).length > 0,
  );
  if (left.length === 0) return;
  const shown = left.slice(0, 5).map(({ host }) => host);
  const more = left.length > shown.length ? `, … (${left.length})` : "";
  const message = `the environment ${row.name} has hosts that these suffixes do not allow: ${shown.join(", ")}${more}`;
  throw reasonError(Code.FailedPrecondition, "suffix_in_use", message, {
    fields: [{ field: "environment.domain_suffixes", message }],
  });
}

/** What runs reports the URL that it was given, and would be refused for it. */
async function refuseWhileRunning(client: pg.ClientBase, row: EnvironmentRow): Promise<void> {
  const { running } = await countOfEnvironment(client, row.id);
  if (running === 0n) return;
  const message = `${running} deployments of the environment ${row.name} run with its present sites_url: wait for their end`;
  throw reasonError(Code.FailedPrecondition, "deployments_running", message);
}
