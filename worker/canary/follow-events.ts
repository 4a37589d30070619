import type Dockerode from "dockerode";
import { expectReadable } from "#worker/podman/expect-stream.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";

const callMs = 10_000;

/** Opens the stream of what happens to one worker's containers. Rejects where Podman is not there, or keeps no events. */
export async function openEvents(podman: Dockerode, networkName: string): Promise<NodeJS.ReadableStream> {
  const filters = { type: ["container" as const], label: [`${sandboxLabel}=${networkName}`] };
  const attempt = "follow the events";
  return expectReadable(await callPodman(attempt, async () => withDeadline(callMs, attempt, podman.getEvents({ filters }))));
}

/** Tells of each holder whose end no removal followed within `removalMs`: somebody else ended it. Settles when the stream ends. */
export async function followHolders(
  stream: NodeJS.ReadableStream,
  o: { removalMs: number; onEnded: (id: string) => void; signal: AbortSignal },
): Promise<void> {
  const ended = new Map<string, NodeJS.Timeout>();
  const onEvent = ({ action, id, role }: Event): void => {
    if (role !== "holder") return;
    if (action === "died")
      ended.set(
        id,
        setTimeout(() => o.onEnded(id), o.removalMs),
      );
    if (action === "remove") {
      clearTimeout(ended.get(id));
      ended.delete(id);
    }
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
      for (const timer of ended.values()) clearTimeout(timer);
      resolve();
    });
  });
}

type Event = { action: string; id: string; role: string | undefined };

/** One event as Podman writes it; undefined: it is none that says anything here. */
function parseEvent(line: string): Event | undefined {
  try {
    const event: { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } } = JSON.parse(line);
    const { Action: action = "", Actor: actor } = event;
    // Docker's word for it.
    return { action: action === "die" ? "died" : action, id: actor?.ID ?? "", role: actor?.Attributes?.[roleLabel] };
  } catch {
    return undefined;
  }
}
