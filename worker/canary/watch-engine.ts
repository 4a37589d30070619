import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { errorMessage } from "#common/error-details.ts";
import { followHolders, openEvents } from "./follow-events.ts";
import { readEngine, type EngineLook } from "./read-engine.ts";

/**
 * `lookMs`: between two looks while events come; `blindMs`: while they do not. `settingsMs`: how long the settings that Podman told are taken
 * for the ones in force while its events come. It reads them when it starts, which ends the stream of events.
 */
export type EngineWatchSchedule = { reconnectMs: number; lookMs: number; blindMs: number; settingsMs?: number };

const settingsMs = 120_000;

export const engineWatchSchedule: EngineWatchSchedule = { reconnectMs: 1_000, lookMs: 15_000, blindMs: 5_000, settingsMs };

type Watched = {
  podman: Dockerode;
  imageReference: string;
  networkName: string;
  onChange: (reason: string) => void;
  /** Told once each time that events stop coming, with what came back instead. */
  onBlind?: (reason: string) => void;
  schedule?: EngineWatchSchedule;
};

/**
 * Tells what makes earlier proofs worthless: Podman's service ended and came back, it or its networks are others than before, the builder
 * image became another one, or a holder was ended by somebody else than the worker. Podman's events tell the ends at once. All is looked at by
 * calls as well, more often where no events come: an engine may keep none, and a stream of them may be silent.
 */
export function watchEngine(o: Watched): { stop(): void } {
  const schedule = o.schedule ?? engineWatchSchedule;
  const stopping = new AbortController();
  const { signal } = stopping;
  const sight: Sight = { blind: undefined, losses: 0, told: new Set() };
  void look(o, schedule, sight, signal).catch(() => undefined);
  void follow(o, schedule, sight, signal).catch(() => undefined);
  return { stop: () => stopping.abort() };
}

type Sight = {
  /** Why no events come; undefined: they do. */
  blind: string | undefined;
  /** How often they stopped coming. */
  losses: number;
  /** Ids of holders whose end was told of, by an event or a look. */
  told: Set<string>;
};

function tellEnded(o: Watched, { told }: Sight, ids: readonly string[]): void {
  const news = ids.filter((id) => !told.has(id));
  for (const id of news) told.add(id);
  if (news.length > 0) o.onChange("a network's holder was ended by somebody else");
}

async function look(o: Watched, schedule: EngineWatchSchedule, sight: Sight, signal: AbortSignal): Promise<void> {
  let known: EngineLook | undefined;
  let isLost = false;
  let asked: { at: number; losses: number; settings: string } | undefined;
  for (let at = performance.now(); ; at = performance.now()) {
    const { blind, losses } = sight;
    // A service that came back may have other settings; where no events come none of that is told.
    const isSure = blind === undefined && asked?.losses === losses && at - asked.at < (schedule.settingsMs ?? settingsMs);
    if (!isSure) asked = undefined;
    const seen = await readEngine(o, asked?.settings).catch(() => undefined);
    signal.throwIfAborted();
    asked = seen && (asked ?? { at, losses, settings: seen.settings });
    if (seen !== undefined) {
      for (const change of compare(known, seen, isLost)) o.onChange(change);
      tellEnded(o, sight, seen.endedHolders);
      for (const id of sight.told) if (!seen.endedHolders.includes(id)) sight.told.delete(id);
      known = { ...seen, imageId: seen.imageId ?? known?.imageId };
    }
    isLost = seen === undefined;
    // What is blind is looked at from now on, whatever the wait was to be.
    const isDue = (): boolean => performance.now() - at >= (sight.blind === undefined ? schedule.lookMs : schedule.blindMs);
    do await sleep(Math.min(schedule.blindMs, schedule.lookMs), undefined, { signal, ref: false });
    while (!isDue());
  }
}

/** What is other than it was at the look before. */
function compare(known: EngineLook | undefined, seen: EngineLook, wasLost: boolean): string[] {
  if (known === undefined) return [];
  const changes = [
    wasLost && "Podman's service did not answer and is back",
    seen.imageId !== undefined && known.imageId !== undefined && seen.imageId !== known.imageId && "the builder image changed",
    (seen.networks !== known.networks || seen.settings !== known.settings) && "Podman or its networks changed",
  ];
  return changes.filter((change) => change !== false);
}

async function follow(o: Watched, schedule: EngineWatchSchedule, sight: Sight, signal: AbortSignal): Promise<void> {
  const lose = (reason: string): void => {
    if (sight.blind === undefined) {
      sight.losses += 1;
      o.onBlind?.(reason);
    }
    sight.blind = reason;
  };
  for (;;) {
    try {
      const stream = await openEvents(o.podman, o.networkName);
      // What happened meanwhile no event will tell any more.
      if (sight.blind !== undefined) o.onChange("Podman's events were lost and are back");
      sight.blind = undefined;
      await followHolders(stream, {
        onEnded: (id) => tellEnded(o, sight, [id]),
        signal,
      });
      lose("the stream of events ended");
    } catch (error) {
      lose(errorMessage(error));
    }
    await sleep(schedule.reconnectMs, undefined, { signal, ref: false });
  }
}
