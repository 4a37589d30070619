import { isCommit } from "#central/decision/is-commit.ts";

export type Command = { kind: "approve"; commit: string } | { kind: "none" } | { kind: "malformed"; reason: string };

/**
 * Reads a comment's first line. Only the exact form counts: no prefix of a commit, since its author chooses what else begins so, and no quote
 * or indentation, since those are what a person repeats rather than says.
 */
export function parseCommand(body: string): Command {
  const end = body.search(/[\r\n]/);
  const line = (end === -1 ? body : body.slice(0, end)).replace(/[ \t]+$/, "");
  if (!/^\/catapult(?:[^a-z0-9-]|$)/i.test(line)) return { kind: "none" };
  const commit = /^\/catapult approve ([0-9a-f]{40})$/.exec(line)?.[1];
  if (commit === undefined || !isCommit(commit)) {
    return { kind: "malformed", reason: "the first line is not exactly /catapult approve <the commit's 40 hexadecimal digits>" };
  }
  return { kind: "approve", commit };
}
