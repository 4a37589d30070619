/** Of a field that operators send: the pattern that its value must match, in words. */
const words: ReadonlyMap<string, string> = new Map([
  ["^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", "expected 1 to 32 of a-z, 0-9 and hyphen, which does not come first or last"],
  [
    "^https?://\\{host\\}(:[0-9]{1,5})?$",
    "expected https://{host} or http://{host}, with the braces, and a port if it is not the usual one",
  ],
  ["^[A-Za-z0-9][A-Za-z0-9-]{0,38}$", "expected 1 to 39 of A-Z, a-z, 0-9 and hyphen, which does not come first"],
  ["^[A-Za-z0-9_.-]{1,100}$", "expected 1 to 100 of A-Z, a-z, 0-9, underscore, dot and hyphen"],
  [
    "^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$",
    "expected 1 to 64 of a-z, 0-9, dot, underscore and hyphen, of which the first and last are a letter or digit",
  ],
  ["^([0-9a-f]{40})?$", "expected a full commit: 40 of 0-9 and a-f"],
  ["^[0-9a-f]{40}$", "expected a full commit: 40 of 0-9 and a-f"],
  ["^[A-Za-z_][A-Za-z0-9_]{0,127}$", "expected 1 to 128 of A-Z, a-z, 0-9 and underscore, and no digit first"],
]);

/** Puts words where Central's validation names a pattern, and leaves out the names of its rules; a pattern that is not known here stays. */
export function describePatterns(said: string): string {
  return said
    .replace(/does not match regex pattern `([^`\n]*)`/g, (came, pattern: string) => words.get(pattern) ?? came)
    .replace(/ \[[a-z0-9_]+(\.[a-z0-9_]+)+\]$/gm, "");
}
