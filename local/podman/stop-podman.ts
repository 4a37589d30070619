import { elevation } from "./elevation.ts";
import { derivePodmanPaths } from "./podman-paths.ts";
import { stopService } from "./stop-service.ts";

/** Ends the Podman service of a state folder, whichever process started it. None running is no error. */
export async function stopPodman(o: { stateDir: string; log: (line: string) => void }): Promise<void> {
  await stopService(derivePodmanPaths(o.stateDir), elevation(), o.log);
}
