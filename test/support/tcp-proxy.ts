import { createServer, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pipeline } from "node:stream/promises";

/** What befalls the connections while it is set; `{}` heals. */
export type LinkFault = {
  /** Every piece waits so long, in both directions. */
  latencyMs?: number;
  /** Open connections are reset, and each new one at once. */
  reset?: boolean;
  /** Nothing comes through and nothing ends, as on a cut cable; what was sent meanwhile arrives once it is healed. */
  blackhole?: boolean;
  /** Each connection is reset once the target has answered so many more bytes, the last of which still arrive. 0: the answer is lost whole. */
  cutAfterBytes?: number;
  /** The same for what the client sends. */
  cutRequestAfterBytes?: number;
};

export type Address = { host: string; port: number } | { path: string };

export type TcpProxy = {
  /** 0: it listens on a unix socket. */
  readonly port: number;
  set(fault: LinkFault): void;
  /** How many connections are open. */
  count(): number;
  stop(): Promise<void>;
};

type Link = { client: Socket; server: Socket; left: { request: number; answer: number } };

/**
 * Stands between two parts on 127.0.0.1, or on unix sockets, and does to their connections what networks do. Of several targets each
 * connection gets the next one that takes it, as behind a load balancer.
 */
export async function startTcpProxy(o: { target: Address | readonly Address[]; listen?: { path: string } }): Promise<TcpProxy> {
  const targets = "length" in o.target ? o.target : [o.target];
  let turn = 0;
  const links = new Set<Link>();
  let fault: LinkFault = {};
  let healed = Promise.withResolvers<void>();

  const cut = (link: Link): void => {
    links.delete(link);
    reset(link.client);
    reset(link.server);
  };

  async function* carry(source: AsyncIterable<Buffer>, link: Link, direction: "request" | "answer"): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      while (fault.blackhole === true) await healed.promise;
      if (fault.latencyMs !== undefined) await sleep(fault.latencyMs);
      const left = link.left[direction];
      if (chunk.length < left) {
        link.left[direction] -= chunk.length;
        yield chunk;
        continue;
      }
      if (left > 0) yield chunk.subarray(0, left);
      // The piece before it has to be on its way: a reset throws away what is still to be written.
      await sleep(5);
      cut(link);
      return;
    }
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => {});
    if (fault.reset === true) {
      reset(client);
      return;
    }
    void openOne(targets, turn++).then(
      (target) => join(client, target),
      () => reset(client),
    );
  });

  function join(client: Socket, target: Socket): void {
    const link: Link = { client, server: target, left: allowance(fault) };
    links.add(link);
    const both = [
      pipeline(client, (source: AsyncIterable<Buffer>) => carry(source, link, "request"), target),
      pipeline(target, (source: AsyncIterable<Buffer>) => carry(source, link, "answer"), client),
    ];
    for (const one of both) one.catch(() => cut(link));
    void Promise.allSettled(both).then(() => links.delete(link));
  }

  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(o.listen ?? { host: "127.0.0.1", port: 0 }, resolve),
  );
  const address = server.address();

  const set = (next: LinkFault): void => {
    fault = next;
    for (const link of links) link.left = allowance(next);
    if (next.reset === true) for (const link of links) cut(link);
    if (next.blackhole !== true) {
      healed.resolve();
      healed = Promise.withResolvers();
    }
  };
  return {
    port: address === null || typeof address === "string" ? 0 : address.port,
    set,
    count: () => links.size,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      set({ reset: true });
      await closed;
    },
  };
}

async function openOne(targets: readonly Address[], turn: number): Promise<Socket> {
  for (let tried = 0; tried < targets.length; tried++) {
    const socket = connect({ ...targets[(turn + tried) % targets.length]!, allowHalfOpen: true });
    const opened = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    if (opened) return socket;
  }
  throw new Error("no target takes a connection");
}

/** A unix socket knows no reset: its end without the answer is one to whoever reads. */
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

function allowance(fault: LinkFault): Link["left"] {
  return { request: fault.cutRequestAfterBytes ?? Infinity, answer: fault.cutAfterBytes ?? Infinity };
}
