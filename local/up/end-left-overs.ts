import path from "node:path";
import { stopLeftOverCaddy } from "../caddy/start-caddy.ts";
import { stopLeftOver } from "../postgres/left-over.ts";
import { endLeftOver } from "./end-process.ts";

/**
 * Ends what a killed run left and what holds a port of the state folder's: ports are chosen next, and a preview's URL must stay the same.
 * The worker first, it reports to Central; the database last, both write to it. Podman holds no port: its own start ends the one that was left.
 */
export async function endLeftOvers(stateDir: string): Promise<void> {
  for (const name of ["worker", "central"]) await endLeftOver(path.join(stateDir, "run", `${name}.pid`));
  await stopLeftOverCaddy(stateDir);
  await stopLeftOver(path.join(stateDir, "postgres/data"));
}
