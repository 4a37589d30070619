import { setTimeout as sleep } from "node:timers/promises";
import { failpoint } from "#common/failpoint.ts";
import type { SiteState } from "#worker/accept/site-state.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import { Stopped } from "#worker/accept/stopped.ts";
import { prepareLiveLink, removeLiveLink, switchLiveLink } from "#worker/publish/live-link.ts";
import { isHost } from "#worker/route/is-host.ts";
import type { Router } from "#worker/route/create-router.ts";
import type { RouteHosts } from "#worker/route/render-server.ts";

/** Another site is live at the host. */
export class HostTakenError extends Error {
  override readonly name = "HostTakenError";
}

/** Caddy could not be brought to serve a host. */
export class RouteError extends Error {
  override readonly name = "RouteError";
}

/** The hosts that Caddy must serve, by what this worker knows: each once in one list, as Caddy refuses a list with a host twice whole. */
export function listHosts(states: Iterable<SiteState>): RouteHosts {
  const kinds = new Map<string, SiteState["kind"]>();
  for (const { host, kind, live, removal } of states) {
    if (live !== undefined && removal === undefined && isHost(host) && !kinds.has(host)) kinds.set(host, kind);
  }
  const hosts: RouteHosts = { previews: [], production: [] };
  for (const [host, kind] of kinds) (kind === "production" ? hosts.production : hosts.previews).push(host);
  return hosts;
}

/** Hosts that a site is getting at this moment; its state says so only once it is on the disk. */
const claims = new WeakMap<SiteStore, Set<string>>();

/** Whether Central still wants what is to be switched to: it may have ordered the end while this process was stopped or cut off. */
export type Permit = {
  /** Asks anew; throws when the work was ended. */
  ask(): Promise<void>;
  /** Throws when the work was ended; false when what Central said is too old. */
  holds(): boolean;
};

/** With an answer that is always too old Central cannot be worked with. */
const maxAsks = 20;

/** The permit ran out between the question and the switch. */
class PermitTooOld extends Error {
  override readonly name = "PermitTooOld";
}

export type LiveRequest = {
  siteId: bigint;
  generation: bigint;
  host: string;
  kind: "preview" | "production";
  release: string;
  newestMtime: number;
  permit: Permit;
};

/**
 * Makes a release live: Central is asked whether it is wanted; under the site's lock the fence is checked, what is to be live is stored, then,
 * if the answer still holds, the link is switched. Caddy is told only of a host that it does not know yet.
 */
export async function makeLive(
  o: { sitesDir: string; store: SiteStore; router: Router; routeTimeoutMs: number },
  request: LiveRequest,
): Promise<void> {
  const { siteId, host } = request;
  if (!isHost(host)) throw new RouteError(`${JSON.stringify(host.slice(0, 80))} is no host that may be served`);
  await failpoint("publish.before-fence");
  const before = await switchWhileWanted(o, request);
  const wasLive = before.live !== undefined;
  if (wasLive && before.host === host && before.kind === request.kind) return;
  await failpoint("route.before");
  try {
    await reconcileSoon(o.router, o.routeTimeoutMs);
  } catch (error) {
    await takeBack(o, request, before);
    throw error;
  }
  if (wasLive && before.host !== host) await removeLiveLink(o.sitesDir, before.host, siteId);
}

/** Central is asked outside the lock, which the next Build needs. Gives back the site's state before. */
async function switchWhileWanted(o: { sitesDir: string; store: SiteStore }, request: LiveRequest): Promise<SiteState> {
  for (let asks = 0; asks < maxAsks; asks++) {
    await request.permit.ask();
    try {
      return await switchUnderLock(o, request);
    } catch (error) {
      if (!(error instanceof PermitTooOld)) throw error;
    }
  }
  throw new RouteError(`Central's answers came too late ${maxAsks} times to switch site ${request.siteId} by them`);
}

async function switchUnderLock(o: { sitesDir: string; store: SiteStore }, request: LiveRequest): Promise<SiteState> {
  const { siteId, generation, host, release } = request;
  return o.store.withLock(siteId, async () => {
    const state = o.store.get(siteId);
    if (state === undefined || state.generation !== generation || state.removal !== undefined) {
      throw new Stopped("superseded", `generation ${state?.generation} of the site took the place of ${generation}`);
    }
    for (const other of o.store.all()) {
      if (other.siteId !== siteId && other.host === host && other.live !== undefined && other.removal === undefined) {
        throw new HostTakenError(
          `${host} is served for site ${other.siteId}; that must be removed before site ${siteId} can take it`,
        );
      }
    }
    const claimed = claims.get(o.store) ?? new Set();
    claims.set(o.store, claimed);
    if (claimed.has(host)) throw new HostTakenError(`${host} is being given to another site than ${siteId}`);
    claimed.add(host);
    try {
      const link = await prepareLiveLink(o.sitesDir, host, siteId, release);
      try {
        const now = Date.now();
        const live = { release, generation };
        const { newestMtime } = request;
        await o.store.put({ ...state, host, kind: request.kind, live, liveAt: now, newestMtime, changedAt: now });
        await failpoint("publish.after-fence");
        if (!request.permit.holds()) throw new PermitTooOld();
        await link.switch();
      } catch (error) {
        await link.discard();
        // Else the next start would make live what is reported as failed here. If this fails too, that start does.
        if (o.store.get(siteId) !== state) await o.store.put(state).catch(() => undefined);
        throw error;
      }
      await failpoint("publish.after-switch");
    } finally {
      claimed.delete(host);
    }
    return state;
  });
}

/** What is reported as failed must not be served once Caddy works again; what was live before stays so. */
async function takeBack(o: { sitesDir: string; store: SiteStore }, request: LiveRequest, before: SiteState): Promise<void> {
  const { siteId, host, release } = request;
  await o.store.withLock(siteId, async () => {
    const state = o.store.get(siteId);
    if (state?.live?.release !== release || state.live.generation !== request.generation || state.removal !== undefined) return;
    const { live: _, liveAt: __, ...rest } = state;
    const { live, liveAt } = before;
    await o.store.put({
      ...rest,
      host: before.host,
      kind: before.kind,
      ...(live === undefined ? {} : { live }),
      ...(liveAt === undefined ? {} : { liveAt }),
    });
    if (live === undefined || before.host !== host) await removeLiveLink(o.sitesDir, host, siteId);
    else await switchLiveLink(o.sitesDir, host, siteId, live.release);
  });
}

/** Caddy may be restarting: it gets `timeoutMs`. */
async function reconcileSoon(router: Router, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      await router.reconcile();
      return;
    } catch (cause) {
      if (performance.now() > deadline) {
        throw new RouteError(`the route could not be set: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
    }
    await sleep(500);
  }
}
