/**
 * Labels that no site may have, at any depth below an environment's suffix: `deployer.<zone>` is the environment's worker, and
 * `central` is kept for Central. Every other name, `www` too, is a site's like any other.
 */
export const reservedLabels: readonly string[] = ["deployer", "central"];

/** Longest pull request number that is provided for when a domain's length is checked. */
const longestNumber = "9999999999";

/** The host of the default branch's site. */
export function productionHost(domain: string, subdomain: string): string {
  return subdomain === "" ? domain : `${subdomain}.${domain}`;
}

/** What of the host stands before the environment's suffix: empty for the suffix itself, undefined if it is under none. */
export function labelsBeforeSuffix(host: string, suffixes: readonly string[]): string[] | undefined {
  const found = suffixes.filter((suffix) => host === suffix || host.endsWith(`.${suffix}`));
  if (found.length === 0) return undefined;
  const shortest = Math.min(...found.map((suffix) => suffix.length));
  return host.length === shortest ? [] : host.slice(0, host.length - shortest - 1).split(".");
}

/** Says which of the labels, all of them below a suffix, belongs to somebody else. */
export function checkReservedLabels(labels: readonly string[]): string | undefined {
  const reserved = labels.find((label) => reservedLabels.includes(label));
  if (reserved !== undefined) return `must not use the reserved name ${reserved}`;
  return checkPreviewNames(labels);
}

/** Says which of the labels is called like a preview of the domain one label up: it would be taken from a pull request there. */
export function checkPreviewNames(labels: readonly string[]): string | undefined {
  const preview = labels.find((label) => /^pr-[0-9]+-/.test(label));
  return preview === undefined
    ? undefined
    : `must not have a label like ${preview}: such names are for the previews of pull requests`;
}

/** Says whether every preview of the domain gets a host of legal length. */
export function hasRoomForPreviews(domain: string, previewLabel: string): boolean {
  return `pr-${longestNumber}-${previewLabel}.${domain}`.length <= 253;
}
