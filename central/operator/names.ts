import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { Forks } from "#gen/catapult/v1/operator_service_pb.js";

/** The site types as the database names them. */
export type SiteTypeName = "auto" | "sveltekit" | "vite" | "zola" | "static" | "custom";
/** What happens to forks' pull requests, as the database names it. */
export type ForksName = "off" | "approve" | "on";

const siteTypes: Record<SiteType, SiteTypeName> = {
  [SiteType.UNSPECIFIED]: "auto",
  [SiteType.AUTO]: "auto",
  [SiteType.SVELTEKIT]: "sveltekit",
  [SiteType.VITE]: "vite",
  [SiteType.ZOLA]: "zola",
  [SiteType.STATIC]: "static",
  [SiteType.CUSTOM]: "custom",
};
const siteTypesByName: Record<SiteTypeName, SiteType> = {
  auto: SiteType.AUTO,
  sveltekit: SiteType.SVELTEKIT,
  vite: SiteType.VITE,
  zola: SiteType.ZOLA,
  static: SiteType.STATIC,
  custom: SiteType.CUSTOM,
};
const forks: Record<Forks, ForksName> = {
  [Forks.UNSPECIFIED]: "approve",
  [Forks.OFF]: "off",
  [Forks.APPROVE]: "approve",
  [Forks.ON]: "on",
};
const forksByName: Record<ForksName, Forks> = { off: Forks.OFF, approve: Forks.APPROVE, on: Forks.ON };

export function siteTypeName(siteType: SiteType): SiteTypeName {
  return siteTypes[siteType];
}

export function parseSiteTypeName(name: SiteTypeName): SiteType {
  return siteTypesByName[name];
}

export function forksName(value: Forks): ForksName {
  return forks[value];
}

export function parseForksName(name: ForksName): Forks {
  return forksByName[name];
}
