import Dockerode from "dockerode";

/** A client for the Podman service that listens on `socketPath`. Nothing is called yet. */
export function connectPodman(socketPath: string): Dockerode {
  return new Dockerode({ socketPath });
}
