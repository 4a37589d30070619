/** The 32 bytes of a secret key in base64url. */
export function parseSecretKey(value: string): Buffer {
  const key = Buffer.from(value, "base64url");
  // Node skips what is not base64: only a text that comes out again is one.
  if (key.length !== 32 || key.toString("base64url") !== value) throw new Error("expected 32 bytes in base64url (43 characters)");
  return key;
}
