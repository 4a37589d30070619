import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { errorCode } from "#common/error-details.ts";

/**
 * Keeps a second worker from the same state folder: the fence and the nonces are one process's. The lock is a name in the kernel, so it goes
 * with the process however that ends.
 */
export async function lockState(stateDir: string): Promise<() => Promise<void>> {
  const name = createHash("sha256")
    .update(await realpath(stateDir))
    .digest("hex")
    .slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((settle, refuse) => {
    server.once("error", (error) => {
      if (errorCode(error) === "EADDRINUSE")
        refuse(new Error(`another worker runs on STATE_DIR ${stateDir}; end it, or give this one its own`));
      else refuse(error);
    });
    server.listen(`\0catapult-worker-${name}`, settle);
  });
  return () => new Promise((settle) => server.close(() => settle()));
}
