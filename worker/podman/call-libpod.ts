import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { callPodman } from "./podman-error.ts";
import { withDeadline } from "./with-deadline.ts";

/** The oldest version that every Podman from 4.0 on still serves. */
const version = "/v4.0.0/libpod";

/** Calls Podman's own API, for the few things that the Docker-compatible one cannot say. Answers the parsed JSON, if there is any. */
export async function callLibpod(
  podman: Dockerode,
  o: {
    attempt: string;
    method: "GET" | "POST" | "DELETE";
    path: string;
    query?: Record<string, string>;
    json?: unknown;
    body?: Readable;
    deadlineMs?: number;
  },
): Promise<unknown> {
  const call = new Promise<unknown>((resolve, reject) => {
    podman.modem.dial(
      {
        // docker-modem reads _query and _body apart only where the path ends in a question mark.
        path: `${version}${o.path}?`,
        options: { _query: o.query ?? {}, _body: o.json ?? {} },
        method: o.method,
        statusCodes: { 200: true, 201: true, 204: true },
        ...(o.body === undefined ? {} : { file: o.body }),
      },
      (error: unknown, data: unknown) => (error === null || error === undefined ? resolve(data) : reject(error)),
    );
  });
  return callPodman(o.attempt, async () => withDeadline(o.deadlineMs ?? 30_000, o.attempt, call));
}
