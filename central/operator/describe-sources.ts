import { readSettings } from "#common/site-plan/read-settings.ts";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import type { DeploymentConfig } from "#gen/catapult/v1/operator_service_pb.js";
import type { SitePlan } from "./read-site-plan.ts";

/** Where each value of a plan comes from: the config, .deploy.json, or what was detected. */
export function describeSources(config: DeploymentConfig, site: SitePlan): string[] {
  const read = readSettings({ siteType: undefined, buildCommand: "", outputDir: "", rootDir: "" }, site.deployJson);
  const file = read.ok ? read.value : undefined;
  const isTyped = config.siteType !== SiteType.UNSPECIFIED && config.siteType !== SiteType.AUTO;
  const lockFile = site.plan?.lockFile;
  const detected = lockFile === undefined ? "detected" : `detected (${lockFile})`;
  return [
    `site_type: ${sourceOf(isTyped, file?.siteType !== undefined, "detected")}`,
    `build_command: ${sourceOf(config.buildCommand !== "", file?.buildCommand !== undefined, detected)}`,
    `output_dir: ${sourceOf(config.outputDir !== "", file?.outputDir !== undefined, "detected")}`,
    `root_dir: ${sourceOf(config.rootDir !== "", (file?.rootDir ?? "") !== "", "default")}`,
    `devshell: ${site.hasFlake ? "flake.nix, if it has a dev shell for the worker's system" : "Catapult"}`,
  ];
}

function sourceOf(isConfigured: boolean, isInFile: boolean, otherwise: string): string {
  if (isConfigured) return "deployment_config";
  return isInFile ? ".deploy.json" : otherwise;
}
