import { errorMessage } from "#common/error-details.ts";
import type { Daemon } from "#test/support/daemon.ts";
import type { Stack } from "#test/support/stack.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { killContainer, type Victim } from "./kill-container.ts";
import type { Part, Trouble } from "./plan-walk.ts";
import { setForgeFault } from "./set-forge-fault.ts";
import type { WalkPodman } from "./walk-podman.ts";
import type { WalkPostgres } from "./walk-postgres.ts";

export type Troubles = {
  begin(trouble: Trouble): Promise<void>;
  heal(trouble: Trouble): Promise<void>;
  /** Takes all of Caddy's servers away by hand. */
  wipeCaddy(): Promise<void>;
  /** Ends every connection to Central's database from the server's side. */
  terminateBackends(): Promise<void>;
  /** Says what it met. */
  killContainer(victim: Victim): Promise<string>;
  /** Ends all that stands, and starts all that is down. */
  healAll(): Promise<void>;
  /** Settles once every daemon is ready, only then nothing is in the way any more; throws if one is not while `mayWait` says so. */
  ready(mayWait: () => boolean): Promise<void>;
  /** Daemons that ended without being told to, and were started again as a service manager does. */
  ends(): readonly string[];
  stop(): void;
};

const superviseMs = 500;
const wipeMs = 1_000;
const readyTryMs = 2_000;

/** Something that may be ended, stopped in its tracks, and brought back. */
type Handle = {
  pause(): Promise<void> | void;
  resume(): Promise<void> | void;
  end(signal: string): Promise<void>;
  start(): Promise<void>;
};

/** Does to the parts of a stack what a walk says, and starts again what ends by itself. Of a Podman that others use too, the service is left alone. */
export function createTroubles(stack: Stack, own: { postgres: WalkPostgres; podman?: WalkPodman }): Troubles {
  const worker = stack.workers[0]!;
  const daemons: [string, Daemon][] = [
    ...stack.centrals.map((central, index): [string, Daemon] => [`central ${index}`, central]),
    ["worker", worker.daemon],
  ];
  const down = new Set<Daemon>();
  const ends: string[] = [];
  const forgeFaults = new Map<Trouble, () => void>();
  const { postgres, podman } = own;

  const supervise = setInterval(() => {
    for (const [name, daemon] of daemons)
      if (!daemon.isRunning() && !down.has(daemon)) {
        ends.push(name);
        void daemon.start({ until: "spawned" });
      }
  }, superviseMs);

  const handleOf = (part: Part): Handle | undefined => {
    switch (part.kind) {
      case "central":
        return handleDaemon(stack.centrals[part.index]!);
      case "worker":
        return handleDaemon(worker.daemon);
      case "caddy":
        return {
          pause: () => worker.caddy.pause(),
          resume: () => worker.caddy.resume(),
          end: async (signal) => (signal === "SIGKILL" ? worker.caddy.kill() : worker.caddy.stop()),
          start: () => worker.caddy.start(),
        };
      case "podman":
        return podman && { ...podman, end: async (signal) => podman.end(signal === "SIGKILL" ? signal : "SIGTERM") };
      default:
        return { ...postgres, end: async (signal) => postgres.end(signal === "SIGQUIT" ? signal : "SIGINT") };
    }
  };

  const handleDaemon = (daemon: Daemon): Handle => ({
    pause: () => daemon.pause(),
    resume: () => daemon.resume(),
    async end(signal) {
      down.add(daemon);
      if (signal === "SIGKILL") await daemon.kill();
      // Its drain goes on while the walk does.
      else daemon.signal("SIGTERM");
    },
    start: async () => up(daemon),
  });

  /** It counts as down until it is started: the supervisor would start a second one beside it. */
  async function up(daemon: Daemon): Promise<void> {
    if (!down.has(daemon)) return;
    await daemon.ended();
    if (!down.has(daemon)) return;
    const started = daemon.start({ until: "spawned" });
    down.delete(daemon);
    await started;
  }

  return {
    async begin(trouble) {
      if (trouble.kind === "link") stack.links.get(trouble.link.name, trouble.link.index).set(trouble.fault);
      else if (trouble.kind === "forge") forgeFaults.set(trouble, setForgeFault(stack, trouble.fault));
      else if (trouble.kind === "paused") await handleOf(trouble.part)?.pause();
      else await handleOf(trouble.part)?.end(trouble.signal);
    },
    async heal(trouble) {
      if (trouble.kind === "link") stack.links.get(trouble.link.name, trouble.link.index).set({});
      else if (trouble.kind === "forge") forgeFaults.get(trouble)?.();
      else if (trouble.kind === "paused") await handleOf(trouble.part)?.resume();
      else await handleOf(trouble.part)?.start();
    },
    async wipeCaddy() {
      const admin = createCaddyAdmin(worker.caddy.admin, wipeMs);
      // It may be down, or paused, or have none.
      await admin.write("PATCH", "/config/apps/http/servers", {}).catch(() => undefined);
    },
    async terminateBackends() {
      await postgres.terminateBackends(new URL(stack.database.url).pathname.slice(1));
    },
    killContainer: async (victim) => killContainer(stack, victim),
    async healAll() {
      stack.forge.clearFaults();
      for (const { proxy } of stack.links.all()) proxy.set({});
      // What the daemons stand on first.
      for (const part of [postgres, podman]) {
        await part?.resume();
        await part?.start();
      }
      for (const [, daemon] of daemons) daemon.resume();
      if (worker.caddy.isRunning()) worker.caddy.resume();
      await worker.caddy.start();
      for (const [, daemon] of daemons) await up(daemon);
    },
    async ready(mayWait) {
      for (const [name, daemon] of daemons)
        for (;;)
          try {
            await daemon.ready(readyTryMs);
            break;
          } catch (error) {
            if (!mayWait()) throw new Error(`${name} does not get ready: ${errorMessage(error)}`, { cause: error });
          }
    },
    ends: () => ends,
    stop: () => clearInterval(supervise),
  };
}
