import { InvalidArgumentError } from "commander";

// Commander puts the name of the option or argument before what these throw, and ends with the code for a mistake in typing.

/** Central's number of a site or deployment. */
export function parseId(text: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new InvalidArgumentError("Expected a number from 1, such as 42.");
  return BigInt(text);
}

/** A pull request's number, with or without GitHub's #. */
export function parsePullRequest(text: string): bigint {
  if (!/^#?[1-9]\d{0,17}$/.test(text)) throw new InvalidArgumentError("Expected a pull request's number, such as 7.");
  return BigInt(text.replace("#", ""));
}

export function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("Expected how many at most, from 1 to 999999.");
  return Number(text);
}

export function parseMaxRunning(text: string): number {
  if (!/^([1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError("Expected a number from 1 to 100.");
  return Number(text);
}

export function parseLine(text: string): bigint {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError("Expected the number of a line.");
  return BigInt(text);
}

export function parseCommit(text: string): string {
  if (!/^[0-9a-f]{40}$/.test(text))
    throw new InvalidArgumentError("Expected a full commit: 40 hexadecimal digits in lower case.");
  return text;
}

/** owner/name */
export function parseRepository(text: string): { githubOrg: string; githubRepo: string } {
  const [githubOrg, githubRepo, ...rest] = text.split("/");
  if (!githubOrg || !githubRepo || rest.length > 0) throw new InvalidArgumentError("Expected a repository such as acme/site.");
  return { githubOrg, githubRepo };
}
