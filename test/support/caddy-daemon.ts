import { startCaddy } from "#local/caddy/start-caddy.ts";

/** The Caddy of a stack's worker, that may be ended and started again on the same admin socket, with an empty configuration. */
export type CaddyDaemon = {
  readonly admin: string;
  readonly pid: number;
  isRunning(): boolean;
  stop(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  start(): Promise<void>;
  restart(): Promise<void>;
};

export async function startCaddyDaemon(o: { stateDir: string }): Promise<CaddyDaemon> {
  const start = async () => startCaddy({ stateDir: o.stateDir, log: () => {} });
  let caddy = await start();
  let running = true;
  const stop = async (): Promise<void> => {
    if (!running) return;
    running = false;
    process.kill(caddy.pid, "SIGCONT");
    await caddy.stop();
  };
  const startAgain = async (): Promise<void> => {
    if (running) return;
    caddy = await start();
    running = true;
  };
  return {
    get admin() {
      return caddy.admin;
    },
    get pid() {
      return caddy.pid;
    },
    isRunning: () => running,
    stop,
    async kill() {
      if (!running) return;
      process.kill(caddy.pid, "SIGKILL");
      await stop();
    },
    pause: () => void process.kill(caddy.pid, "SIGSTOP"),
    resume: () => void process.kill(caddy.pid, "SIGCONT"),
    start: startAgain,
    async restart() {
      await stop();
      await startAgain();
    },
  };
}
