import type { Command } from "commander";

export function addUp(program: Command): void {
  program
    .command("up")
    .description(
      "everything on this machine: database, Podman, Caddy, Central, a worker and a sample pull request (Ctrl-C ends it)",
    )
    .action(async () => {
      const { up } = await import("#local/up/up.ts");
      await up({});
    });
}
