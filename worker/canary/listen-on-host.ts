import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { errorCode } from "#common/error-details.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { format } from "./observation.ts";

export type HostListeners = {
  /** Listens there too, and proves that it answers. Gives the port; undefined: the address is not this machine's. */
  listen(address: string): Promise<number | undefined>;
  /** What has connected since, other than the proofs. */
  hits(): string[];
  close(): void;
};

/** Listeners of the worker's own, at addresses that no build may reach. Each answers with the token. */
export function listenOnHost(token: string): HostListeners {
  const servers: Server[] = [];
  const hits: string[] = [];
  const listen = async (address: string): Promise<number | undefined> => {
    let proving = true;
    const server = createServer((socket) => {
      if (!proving) hits.push(format({ protocol: "tcp", address, port: portOf(server) }));
      socket.on("error", () => undefined);
      socket.end(token);
    });
    servers.push(server);
    server.listen(0, address);
    try {
      await once(server, "listening");
    } catch (error) {
      // Podman runs elsewhere, or in a network of its own, as without root: then only a refusal tells that something was reached.
      if (errorCode(error) === "EADDRNOTAVAIL") return undefined;
      throw error;
    }
    await withDeadline(5_000, `reach the listener at ${address}`, prove(address, portOf(server), token));
    proving = false;
    return portOf(server);
  };
  return { listen, hits: () => hits, close: () => servers.forEach((server) => server.close()) };
}

async function prove(address: string, port: number, token: string): Promise<void> {
  const socket = connect({ host: address, port });
  const [data]: unknown[] = await once(socket, "data");
  socket.destroy();
  if (String(data) !== token) throw new Error(`the listener at ${address} answers with something else`);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
