/** The contract's rule for hosts once more, where a host becomes a link's name and a part of Caddy's configuration, which expands braces. */
export function isHost(host: string): boolean {
  return host.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(host);
}
