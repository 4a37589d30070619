import { createServer } from "node:net";
import { errorCode, errorMessage } from "#common/error-details.ts";
import type { Need } from "./need.ts";

/** Whether ports can be listened on: any one on loopback, for `catapult up`; 80 and 443, for a worker that serves the world. */
export async function checkPorts(): Promise<Need[]> {
  const loopback = await tryToListen("127.0.0.1", 0);
  const web = await Promise.all(
    [80, 443].map(async (port) => {
      const problem = await tryToListen("::", port);
      return {
        name: `port ${port}`,
        need: "advised" as const,
        ...describe(problem, `a worker serves sites on it (SITES_LISTEN)`),
      };
    }),
  );
  return [{ name: "loopback ports", need: "required", ...describe(loopback, "let this user listen on 127.0.0.1") }, ...web];
}

function describe(problem: string | undefined, advice: string): { found: boolean; detail: string; advice?: string } {
  return problem === undefined ? { found: true, detail: "free" } : { found: false, detail: problem, advice };
}

/** What hinders listening on an address; undefined: nothing. */
export async function tryToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    // A machine without IPv6 is asked once more, for IPv4.
    if (code === "EAFNOSUPPORT" && host === "::") return tryToListen("0.0.0.0", port);
    if (code === "EADDRINUSE") return "in use by another program";
    if (code === "EACCES") return "this user may not listen on it";
    return errorMessage(error);
  } finally {
    server.close();
  }
}
