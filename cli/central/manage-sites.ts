import { toJson } from "@bufbuild/protobuf";
import { SiteKindSchema } from "#gen/catapult/v1/deployment_pb.js";
import { SiteSchema, SiteStateSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { formatEnum, parseEnum } from "../output/enum-names.ts";
import { print, printList } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";
import { callCentral } from "./call-central.ts";
import { findSite, nameSite } from "./find-site.ts";
import { listAll } from "./list-all.ts";

export type ListSitesOptions = {
  environment?: string;
  repository?: { githubOrg: string; githubRepo: string };
  state?: string;
  kind?: string;
  json?: boolean;
};

export async function listSites(options: ListSitesOptions): Promise<void> {
  const filters = {
    environment: options.environment ?? "",
    ...options.repository,
    ...(options.state === undefined ? {} : { state: parseEnum(SiteStateSchema, options.state) }),
    ...(options.kind === undefined ? {} : { kind: parseEnum(SiteKindSchema, options.kind) }),
  };
  const sites = await callCentral("list the sites", async (client) =>
    listAll(async (page) => {
      const { sites: items, nextPageToken } = await client.listSites({ ...page, ...filters });
      return { items, nextPageToken };
    }),
  );
  printList(sites, {
    json: options.json,
    toJson: (item) => toJson(SiteSchema, item),
    columns: {
      ID: (item) => String(item.id),
      URL: (item) => item.url,
      REPOSITORY: (item) => `${item.githubOrg}/${item.githubRepo}`,
      KIND: (item) => (item.pullRequest === 0n ? formatEnum(SiteKindSchema, item.kind) : `#${item.pullRequest}`),
      STATE: (item) => formatEnum(SiteStateSchema, item.state),
      LIVE: (item) => item.liveCommit.slice(0, 8),
      PINNED: (item) => (item.pinnedFrom === "" ? "" : "yes"),
      WORKER: (item) => item.worker,
    },
    none: "There are no such sites.",
  });
}

export async function getSite(site: string, options: { json?: boolean }): Promise<void> {
  const { site: found } = await callCentral(`get the site ${site}`, async (client) => client.getSite(nameSite(site)));
  printItem(SiteSchema, found, options.json);
}

export async function removeSite(site: string, options: { json?: boolean }): Promise<void> {
  const answer = await callCentral(`remove the site ${site}`, async (client) => {
    const { id } = await findSite(client, site);
    return client.deleteSite({ id });
  });
  if (options.json === true) printItem(SiteSchema, answer.site, true);
  else print(`${answer.site?.host} goes; the next push, reopening or deploy brings it back.`);
}
