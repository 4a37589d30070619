/** A full SHA-1 that is not the zeros which stand for "none". */
export function isCommit(sha: string): boolean {
  return /^[0-9a-f]{40}$/.test(sha) && !/^0+$/.test(sha);
}
