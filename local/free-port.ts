import { createServer } from "node:net";

/** True when nothing listens on this port of 127.0.0.1. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await bind(port)) !== undefined;
}

/** A port of 127.0.0.1 that the system found free. Somebody else may take it before it is used: start soon. */
export async function findFreePort(): Promise<number> {
  const port = await bind(0);
  if (port === undefined) throw new Error("The system has no free port on 127.0.0.1.");
  return port;
}

async function bind(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
  } catch {
    // Taken, or not allowed for this user: not free for us either way.
    return undefined;
  }
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === "object" && address ? address.port : undefined;
}
