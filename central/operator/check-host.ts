import { domainToASCII, domainToUnicode } from "node:url";

const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * Says what is wrong with a host name of at least two labels, or nothing. What passes is the one spelling of that host: lower-case,
 * LDH, without a trailing dot, so that hosts are compared as text everywhere else and may stand in a link's name and in a matcher.
 */
export function checkHost(host: string): string | undefined {
  if (host === "") return "must be a host name, such as example.org";
  if (/[{}]/.test(host)) return "must not contain { or }: nothing in a host name is replaced";
  if (host.includes("*")) return "must not contain *: write the domain itself, each site gets a name under it";
  if (host.includes("://") || /[/?#@\\]/.test(host)) return "must be a host name alone, without a scheme, a user or a path";
  if (host.includes("[") || /^[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(host)) return "must be a name, not an IP address";
  if (host.includes(":")) return "must be a host name alone, without a port";
  if (/[^\u0021-\u007e]/.test(host)) return checkOtherCharacters(host);
  if (host !== host.toLowerCase()) return `must be in lower case: ${quote(host.toLowerCase())}`;
  if (host.endsWith(".")) return "must not end in a dot";
  if (host.length > 253) return `must have at most 253 characters, but has ${host.length}`;
  const labels = host.split(".");
  const problem = labels.map(checkLabel).find((found) => found !== undefined);
  if (problem !== undefined) return problem;
  // A last label of digits, or of 0x and hex digits, is read as an IPv4 address by browsers (WHATWG URL, "ends in a number").
  if (/^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return "must be a name, not an IP address";
  if (labels.length < 2) return `must have at least two labels, such as ${host}.example.org`;
  return checkPunycode(host, labels);
}

/** Says what is wrong with one or more labels that go before a domain, such as www or a.b; or nothing. */
export function checkSubdomain(subdomain: string): string | undefined {
  return checkHost(`${subdomain}.example.org`);
}

function checkLabel(text: string): string | undefined {
  if (text === "") return "must not have an empty label (two dots, or one at the start)";
  if (text.length > 63) return `must have labels of at most 63 characters, but one has ${text.length}`;
  if (!label.test(text)) return `must have labels of a-z, 0-9 and inner hyphens only: ${quote(text)} is not one`;
  // RFC 5891: hyphens in the third and fourth place are reserved for encodings, of which there is one.
  if (text.slice(2, 4) === "--" && !text.startsWith("xn--"))
    return `must not have -- in the third place of a label: ${quote(text)}`;
  return undefined;
}

function checkPunycode(host: string, labels: readonly string[]): string | undefined {
  if (!labels.some((text) => text.startsWith("xn--"))) return undefined;
  const decoded = domainToUnicode(host);
  // Node decodes what it can and leaves the rest as it is: a label that stays xn-- stands for nothing.
  const undecoded = decoded.split(".").find((text) => text.startsWith("xn--"));
  if (undecoded !== undefined || domainToASCII(decoded) !== host)
    return `must not have a bad xn-- label: ${quote(undecoded ?? host)}`;
  return undefined;
}

function checkOtherCharacters(host: string): string {
  const ascii = /[\s\p{Cc}\p{Cf}]/u.test(host) ? "" : domainToASCII(host);
  if (ascii === "" || checkHost(ascii) !== undefined) return "must have letters a-z, digits, hyphens and dots only";
  return `must be in its ASCII form: ${quote(ascii)}`;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
