/** PostgreSQL refuses a text with NUL; nothing is called so. */
export function hasNul(...texts: readonly string[]): boolean {
  return texts.some((text) => text.includes("\0"));
}
