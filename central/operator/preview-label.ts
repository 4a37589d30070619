import { createHash } from "node:crypto";

const longest = 40;

/**
 * Labels for a repository's previews, best first: a preview's host is pr-<number>-<label>.<domain>. The first is the name,
 * lower-cased, each run of other characters a hyphen, trimmed. If that had to be cut or is empty it is not offered; the others
 * end in 6 hex digits of SHA-256 of the repository's id, and are for when those before them are taken in the domain.
 */
export function previewLabelCandidates(name: string, repositoryId: bigint): string[] {
  const plain = trimHyphens(name.toLowerCase().replace(/[^a-z0-9]+/g, "-"));
  const base = trimHyphens(plain.slice(0, longest));
  const digest = createHash("sha256").update(String(repositoryId)).digest("hex");
  // The next digits serve when a repository happens to be called like another's label with its digits.
  const suffixed = [0, 6, 12, 18].map((start) => trimHyphens(`${base}-${digest.slice(start, start + 6)}`));
  return base !== "" && base === plain ? [base, ...suffixed] : suffixed;
}

function trimHyphens(text: string): string {
  return text.replace(/^-+|-+$/g, "");
}
