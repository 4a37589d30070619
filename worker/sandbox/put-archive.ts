import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";

/** Gigabytes take seconds; more means that the service is gone or the tar does not go on. */
const deadlineMs = 300_000;

/** Unpacks a tar into a folder of a running container. `keep`: owners as in the tar; `container`: all is the container's user's. */
export async function putArchive(
  container: Dockerode.Container,
  folder: string,
  tar: Readable,
  owners: "keep" | "container",
): Promise<void> {
  const broken = new Promise<never>((_, reject) => tar.once("error", reject));
  // The race's loser may reject later, when nobody listens any more.
  broken.catch(() => undefined);
  const put = container.putArchive(tar, {
    path: folder,
    ...(owners === "container" ? { copyUIDGID: "true" } : {}),
  });
  const attempt = `put files into ${folder} of the build`;
  await callPodman(attempt, async () => withDeadline(deadlineMs, attempt, Promise.race([put, broken])));
}
