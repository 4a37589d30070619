import { checkHost } from "./check-host.ts";
import { checkPreviewNames } from "./check-site-host.ts";
import { violationOf, type Violation } from "./violation.ts";

/** Says what is wrong with an environment to make, beyond the rules in the proto. */
export function checkEnvironment(environment: { domainSuffixes: readonly string[]; sitesUrl: string }): Violation[] {
  const suffixes = environment.domainSuffixes.flatMap((suffix, index) => {
    const repeated = environment.domainSuffixes.indexOf(suffix) < index ? "must not be there twice" : undefined;
    return violationOf(`environment.domain_suffixes[${index}]`, checkHost(suffix) ?? checkSuffixName(suffix) ?? repeated);
  });
  const none = environment.domainSuffixes.length === 0 ? "must have at least one" : undefined;
  return [
    ...violationOf("environment.domain_suffixes", none),
    ...suffixes,
    ...violationOf("environment.sites_url", checkSitesUrl(environment.sitesUrl)),
  ];
}

function checkSuffixName(suffix: string): string | undefined {
  if (suffix.startsWith("deployer.")) return "must not start with deployer: that is the worker's host in the zone above";
  return checkPreviewNames(suffix.split("."));
}

function checkSitesUrl(sitesUrl: string): string | undefined {
  const match = /^https?:\/\/\{host\}(?::([0-9]{1,5}))?$/.exec(sitesUrl);
  if (match === null) return "must be https://{host} or http://{host}, with a port if it is not the usual one";
  const port = match[1];
  if (port === undefined) return undefined;
  if (String(Number(port)) !== port || Number(port) < 1 || Number(port) > 65_535) return "must have a port from 1 to 65535";
  return undefined;
}
