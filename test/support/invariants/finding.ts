/** One breach of an invariant (I1 to I8 of the design): what, where, and what was seen. */
export type Finding = { invariant: `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`; where: string; seen: string };

export function printFindings(findings: readonly Finding[]): string {
  return findings.map(({ invariant, where, seen }) => `${invariant} ${where}: ${seen}`).join("\n");
}
