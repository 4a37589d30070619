/** `<generation>-<short sha>`: a release's folder, unique within its site. */
export function formatReleaseName(generation: bigint, commit: string): string {
  return `${generation}-${commit.slice(0, 8)}`;
}

export function parseReleaseName(name: string): { generation: bigint } | undefined {
  const match = /^([1-9][0-9]{0,18})-[0-9a-f]{8}$/.exec(name);
  return match === null ? undefined : { generation: BigInt(match[1]!) };
}
