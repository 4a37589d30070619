import type { Command } from "commander";
import { describeCommands } from "./describe-commands.ts";
import { renderBash } from "./render-bash.ts";
import { renderFish } from "./render-fish.ts";
import { renderZsh } from "./render-zsh.ts";

/** A script that completes without starting Node: it is made from the commands once, and made again after an update. */
export function renderCompletion(shell: string, program: Command): string {
  const commands = describeCommands(program);
  if (shell === "bash") return renderBash(commands);
  return shell === "zsh" ? renderZsh(commands) : renderFish(commands);
}
