import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { expectReadable } from "#worker/podman/expect-stream.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";

const callMs = 10_000;

export type EngineWatchSchedule = { reconnectMs: number; imageMs: number; removalMs: number };

/** `removalMs`: how long after a holder's end its removal may follow; one that is released is removed with its end. */
export const engineWatchSchedule: EngineWatchSchedule = { reconnectMs: 1_000, imageMs: 15_000, removalMs: 10_000 };

/**
 * Tells what makes earlier proofs worthless: Podman's service ended and came back, the builder image became another one, or a holder was
 * ended by somebody else than the worker. A Podman that keeps no events is watched by its image alone.
 */
export function watchEngine(o: {
  podman: Dockerode;
  imageReference: string;
  networkName: string;
  onChange: (reason: string) => void;
  schedule?: EngineWatchSchedule;
}): { stop(): void } {
  const schedule = o.schedule ?? engineWatchSchedule;
  const stopping = new AbortController();
  const { signal } = stopping;
  void watchImage(o, schedule, signal).catch(() => undefined);
  void watchEvents(o, schedule, signal).catch(() => undefined);
  return { stop: () => stopping.abort() };
}

type Watched = Parameters<typeof watchEngine>[0];

async function watchImage(o: Watched, { imageMs }: EngineWatchSchedule, signal: AbortSignal): Promise<void> {
  let known: string | undefined;
  for (;;) {
    const id = await withDeadline(callMs, "look for the image", o.podman.getImage(o.imageReference).inspect()).then(
      (image) => image.Id,
      () => undefined,
    );
    if (id !== undefined) {
      if (known !== undefined && id !== known) o.onChange("the builder image changed");
      known = id;
    }
    await sleep(imageMs, undefined, { signal, ref: false });
  }
}

async function watchEvents(o: Watched, schedule: EngineWatchSchedule, signal: AbortSignal): Promise<void> {
  let lost = false;
  for (;;) {
    try {
      const stream = await openEvents(o);
      if (lost) o.onChange("Podman's service ended and is back");
      lost = false;
      await readEvents(stream, o, schedule, signal);
      lost = true;
    } catch {
      // Not there, or it keeps no events; readiness tells of the first.
    }
    await sleep(schedule.reconnectMs, undefined, { signal, ref: false });
  }
}

async function openEvents(o: Watched): Promise<NodeJS.ReadableStream> {
  const filters = { type: ["container" as const], label: [`${sandboxLabel}=${o.networkName}`] };
  return expectReadable(
    await callPodman("follow the events", async () => withDeadline(callMs, "follow the events", o.podman.getEvents({ filters }))),
  );
}

/** Settles when the stream ends. */
async function readEvents(
  stream: NodeJS.ReadableStream,
  o: Watched,
  { removalMs }: EngineWatchSchedule,
  signal: AbortSignal,
): Promise<void> {
  const ended = new Map<string, NodeJS.Timeout>();
  const onEvent = ({ action, id, role }: Event): void => {
    if (role !== "holder") return;
    if (action === "died")
      ended.set(
        id,
        setTimeout(() => o.onChange("a network's holder was ended by somebody else"), removalMs),
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
    signal.addEventListener("abort", () => {
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
