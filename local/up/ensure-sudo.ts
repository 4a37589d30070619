import { spawn } from "node:child_process";

/** Podman's service runs as root. An ordinary user is asked for the password once, here, where a terminal can answer; later calls use `sudo -n`. */
export async function ensureSudo(): Promise<void> {
  if (process.getuid?.() === 0 || (await run(["-n", "true"]))) return;
  if (process.stdin.isTTY && (await run(["-v"]))) return;
  throw new Error(
    "Podman needs root for builds that are really isolated, and sudo gives it neither without a password nor in a terminal. Run as root, or allow sudo.",
  );
}

async function run(args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("sudo", args, { stdio: args[0] === "-n" ? "ignore" : "inherit" });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
