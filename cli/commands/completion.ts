import { Argument, type Command } from "commander";
import { print } from "../output/print.ts";

const example = `
Examples:
  source <(catapult completion bash)                                      # in ~/.bashrc
  catapult completion zsh > "\${fpath[1]}/_catapult"
  catapult completion fish > ~/.config/fish/completions/catapult.fish`;

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .description("print a shell's completion of every command and option")
    .addHelpText("after", example)
    .action(async (shell: string) => {
      const { renderCompletion } = await import("../completion/render-completion.ts");
      print(renderCompletion(shell, program).trimEnd());
    });
}
