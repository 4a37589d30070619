import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTcpProxy, type Address, type TcpProxy } from "./tcp-proxy.ts";

/** Which way the calls go: from the first to the second. */
export type LinkName = "forge-central" | "worker-central" | "central-worker" | "central-postgres" | "worker-caddy";

/** The proxies between the parts of a stack. Without any (`enabled: false`) the parts call each other directly. */
export type Links = {
  /** One of a link: of the Central, or the worker, with this index. */
  get(name: LinkName, index?: number): TcpProxy;
  all(): { name: LinkName; index: number; proxy: TcpProxy }[];
  add(name: LinkName, target: Address | readonly Address[]): Promise<TcpProxy>;
  /** The proxy's URL in place of the target's, or the target's own. */
  through(name: LinkName, url: string): Promise<string>;
  /** The same for Caddy's unix socket. */
  throughSocket(name: LinkName, admin: string): Promise<string>;
  stop(): Promise<void>;
};

export function createLinks(enabled: boolean): Links {
  const made: { name: LinkName; index: number; proxy: TcpProxy }[] = [];
  const folders: string[] = [];

  const add: Links["add"] = async (name, target) => keep(name, await startTcpProxy({ target }));
  const keep = (name: LinkName, proxy: TcpProxy): TcpProxy => {
    made.push({ name, index: made.filter((one) => one.name === name).length, proxy });
    return proxy;
  };
  return {
    get(name, index = 0) {
      const found = made.find((one) => one.name === name && one.index === index);
      if (found === undefined)
        throw new Error(`no link ${name} ${index}: the stack was started without links, or has fewer parts`);
      return found.proxy;
    },
    all: () => [...made],
    add,
    async through(name, url) {
      if (!enabled) return url;
      const to = new URL(url);
      const { port } = await add(name, { host: to.hostname, port: Number(to.port) });
      to.host = `127.0.0.1:${port}`;
      return to.href.replace(/\/$/, "");
    },
    async throughSocket(name, admin) {
      if (!enabled) return admin;
      // A unix socket's path may have 107 bytes; Caddy's own folder may be too deep.
      const folder = await mkdtemp(join(tmpdir(), "catapult-link-"));
      folders.push(folder);
      const path = join(folder, "admin.sock");
      keep(name, await startTcpProxy({ target: { path: admin.replace(/^unix\//, "") }, listen: { path } }));
      return `unix/${path}`;
    },
    async stop() {
      await Promise.all(made.map(({ proxy }) => proxy.stop()));
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
}
