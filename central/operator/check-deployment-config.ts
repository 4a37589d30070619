import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { checkFolder } from "./check-folder.ts";
import { checkHost, checkSubdomain } from "./check-host.ts";
import { checkReservedLabels, hasRoomForPreviews, labelsBeforeSuffix, productionHost } from "./check-site-host.ts";
import { violationOf, type Violation } from "./violation.ts";

/** What an operator decides about a repository's sites. */
export type ConfigValues = {
  githubRepo: string;
  domain: string;
  subdomain: string;
  siteType: SiteType;
  buildCommand: string;
  outputDir: string;
  rootDir: string;
};

/** Says what is wrong with a config to make, beyond the rules in the proto; checkConfigHosts says the rest. */
export function checkDeploymentConfig(config: ConfigValues): Violation[] {
  const { domain, subdomain, githubRepo, siteType, buildCommand, outputDir, rootDir } = config;
  const command = checkCommand(buildCommand, siteType);
  const output = outputDir === "" ? checkNoOutput(siteType) : checkFolder(outputDir);
  return [
    ...violationOf("deployment_config.github_repo", checkRepositoryName(githubRepo)),
    ...violationOf("deployment_config.domain", checkHost(domain)),
    ...violationOf("deployment_config.subdomain", subdomain === "" ? undefined : checkNameBefore(domain, subdomain)),
    ...violationOf("deployment_config.build_command", command),
    ...violationOf("deployment_config.output_dir", output),
    ...violationOf("deployment_config.root_dir", rootDir === "" ? undefined : checkFolder(rootDir)),
  ];
}

/** Says what is wrong with the hosts of a config that passed checkDeploymentConfig, in its environment. */
export function checkConfigHosts(
  config: { domain: string },
  environment: { name: string; domainSuffixes: readonly string[] },
  previewLabel: string,
): Violation[] {
  const below = labelsBeforeSuffix(config.domain, environment.domainSuffixes);
  if (below === undefined) {
    const allowed = environment.domainSuffixes.join(", ");
    const message = `must be one of the suffixes of the environment ${environment.name} or end in a dot and one of them: ${allowed}`;
    return [{ field: "deployment_config.domain", message }];
  }
  if (!hasRoomForPreviews(config.domain, previewLabel)) {
    return [{ field: "deployment_config.domain", message: "is too long for the names of the previews: 253 characters in all" }];
  }
  return violationOf("deployment_config.domain", checkReservedLabels(below));
}

function checkNameBefore(domain: string, subdomain: string): string | undefined {
  const problem = checkSubdomain(subdomain) ?? checkReservedLabels(subdomain.split("."));
  if (problem !== undefined || checkHost(domain) !== undefined) return problem;
  const whole = checkHost(productionHost(domain, subdomain));
  return whole === undefined ? undefined : `with the domain ${whole}`;
}

function checkRepositoryName(name: string): string | undefined {
  // GitHub has no such names; in a path or a clone URL they would mean something else.
  if (name.includes("..") || name === "." || /\.(git|wiki)$/i.test(name)) return "must be a repository's name, without .git";
  return undefined;
}

function checkCommand(command: string, siteType: SiteType): string | undefined {
  if (command === "") return siteType === SiteType.CUSTOM ? "must be set for the site type custom" : undefined;
  if (siteType === SiteType.STATIC) return "must be empty for the site type static, which runs nothing; use custom";
  if (command.trim() === "") return "must not be blank";
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(command)) return "must not contain control characters but newline and tab";
  if (Buffer.byteLength(command) > 4096) return "must have at most 4096 bytes";
  return undefined;
}

function checkNoOutput(siteType: SiteType): string | undefined {
  return siteType === SiteType.CUSTOM ? "must be set for the site type custom" : undefined;
}
