import type Dockerode from "dockerode";
import { expectReadable } from "#worker/podman/expect-stream.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { isOwnRemoval } from "#worker/sandbox/own-removals.ts";
import { canaryLabel, roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";

const callMs = 10_000;

/** Opens the stream of what happens to one worker's containers. Rejects where Podman is not there, or keeps no events. */
export async function openEvents(podman: Dockerode, networkName: string): Promise<NodeJS.ReadableStream> {
  const filters = { type: ["container" as const], label: [`${sandboxLabel}=${networkName}`] };
  const attempt = "follow the events";
  return expectReadable(await callPodman(attempt, async () => withDeadline(callMs, attempt, podman.getEvents({ filters }))));
}

/** Tells of each holder whose end is not this worker's doing, killed or removed alike. Settles when the stream ends. */
export async function followHolders(
  stream: NodeJS.ReadableStream,
  o: { onEnded: (id: string) => void; signal: AbortSignal },
): Promise<void> {
  const onEvent = ({ action, id, name, role, isCanary }: Event): void => {
    // The canary's own are judged by its run; a suspicion would only begin that again.
    if (role !== "holder" || isCanary || isOwnRemoval(id, name)) return;
    if (action === "died" || action === "remove") o.onEnded(id);
  };
  let rest = "";
  stream.on("data", (chunk: Buffer | string) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = (lines.pop() ?? "").slice(-65_536);
    for (const line of lines) {
      const event = parseEvent(line);
      if (event !== undefined) onEvent(event);
    }
  });
  await new Promise<void>((resolve) => {
    stream
      .once("end", resolve)
      .once("close", resolve)
      .once("error", () => resolve());
    o.signal.addEventListener("abort", () => {
      if ("destroy" in stream && typeof stream.destroy === "function") stream.destroy();
      resolve();
    });
  });
}

type Event = { action: string; id: string; name: string; role: string | undefined; isCanary: boolean };

/** One event as Podman writes it; undefined: it is none that says anything here. */
function parseEvent(line: string): Event | undefined {
  try {
    const event: { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } } = JSON.parse(line);
    const { Action: action = "", Actor: actor } = event;
    // Docker's word for it.
    const attributes = actor?.Attributes ?? {};
    return {
      action: action === "die" ? "died" : action,
      id: actor?.ID ?? "",
      name: attributes["name"] ?? "",
      role: attributes[roleLabel],
      isCanary: attributes[canaryLabel] !== undefined,
    };
  } catch {
    return undefined;
  }
}
