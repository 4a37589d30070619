import type { Daemon } from "#test/support/daemon.ts";
import type { Stack } from "#test/support/stack.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import type { Part, Trouble } from "./plan-walk.ts";

export type Troubles = {
  begin(trouble: Trouble): Promise<void>;
  heal(trouble: Trouble): Promise<void>;
  /** Takes all of Caddy's servers away by hand. */
  wipeCaddy(): Promise<void>;
  /** Ends all that stands, and starts all that is down. */
  healAll(): Promise<void>;
  /** Settles once every daemon is ready: only then nothing is in the way any more. */
  ready(): Promise<void>;
  /** Daemons that ended without being told to, and were started again as a service manager does. */
  ends(): readonly string[];
  stop(): void;
};

const superviseMs = 500;
const wipeMs = 1_000;
/** A worker proves its isolation first; where everything else runs at the same time, Podman took minutes to answer. */
const readyMs = 240_000;

/** Does to the parts of a stack what a walk says, and starts again what ends by itself. */
export function createTroubles(stack: Stack): Troubles {
  const worker = stack.workers[0]!;
  const daemons: [string, Daemon][] = [
    ...stack.centrals.map((central, index): [string, Daemon] => [`central ${index}`, central]),
    ["worker", worker.daemon],
  ];
  const down = new Set<Daemon>();
  const ends: string[] = [];
  const daemonOf = (part: Exclude<Part, { kind: "caddy" }>): Daemon =>
    part.kind === "central" ? stack.centrals[part.index]! : worker.daemon;
  const of = (part: Part) => (part.kind === "caddy" ? worker.caddy : daemonOf(part));

  const supervise = setInterval(() => {
    for (const [name, daemon] of daemons)
      if (!daemon.isRunning() && !down.has(daemon)) {
        ends.push(name);
        void daemon.start({ until: "spawned" });
      }
  }, superviseMs);

  async function heal(trouble: Trouble): Promise<void> {
    if (trouble.kind === "link") stack.links.get(trouble.link.name, trouble.link.index).set({});
    else if (trouble.kind === "paused") of(trouble.part).resume();
    else if (trouble.part.kind === "caddy") await worker.caddy.start();
    else await up(daemonOf(trouble.part));
  }

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
      else if (trouble.kind === "paused") of(trouble.part).pause();
      else if (trouble.part.kind === "caddy") await (trouble.signal === "SIGKILL" ? worker.caddy.kill() : worker.caddy.stop());
      else {
        const daemon = daemonOf(trouble.part);
        down.add(daemon);
        if (trouble.signal === "SIGKILL") await daemon.kill();
        // Its drain goes on while the walk does.
        else daemon.signal("SIGTERM");
      }
    },
    heal,
    async wipeCaddy() {
      const admin = createCaddyAdmin(worker.caddy.admin, wipeMs);
      // It may be down, or paused, or have none.
      await admin.write("PATCH", "/config/apps/http/servers", {}).catch(() => undefined);
    },
    async healAll() {
      for (const { proxy } of stack.links.all()) proxy.set({});
      for (const [, daemon] of daemons) daemon.resume();
      if (worker.caddy.isRunning()) worker.caddy.resume();
      await worker.caddy.start();
      for (const [, daemon] of daemons) await up(daemon);
    },
    async ready() {
      for (const [, daemon] of daemons) await daemon.ready(readyMs);
    },
    ends: () => ends,
    stop: () => clearInterval(supervise),
  };
}
