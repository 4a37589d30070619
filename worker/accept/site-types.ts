import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import type { SiteTypeName } from "#common/site-plan/build-plan.ts";

const byName: Record<SiteTypeName, SiteType> = {
  sveltekit: SiteType.SVELTEKIT,
  vite: SiteType.VITE,
  zola: SiteType.ZOLA,
  static: SiteType.STATIC,
  custom: SiteType.CUSTOM,
};

export function toSiteType(name: SiteTypeName): SiteType {
  return byName[name];
}

/** Undefined: detected, or said by the repository. */
export function fromSiteType(type: SiteType): SiteTypeName | undefined {
  switch (type) {
    case SiteType.SVELTEKIT:
      return "sveltekit";
    case SiteType.VITE:
      return "vite";
    case SiteType.ZOLA:
      return "zola";
    case SiteType.STATIC:
      return "static";
    case SiteType.CUSTOM:
      return "custom";
    default:
      return undefined;
  }
}
