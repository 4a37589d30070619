import type { Command } from "commander";
import { print, printJson } from "../output/print.ts";
import { formatTable } from "../output/format-table.ts";

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("is this machine fit? Each need, found or not, and what to do (exit code 1 if something required is missing)")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const { examineMachine } = await import("../doctor/examine-machine.ts");
      const needs = await examineMachine();
      const missing = needs.filter((item) => !item.found);
      const fit = missing.every((item) => item.need !== "required");
      if (options.json === true) {
        printJson({ fit, needs });
      } else {
        print(
          formatTable(
            ["NEED", "", "FOUND"],
            needs.map((item) => [item.name, state(item), item.detail]),
          ),
        );
        for (const item of missing) print(`\n${item.name} (${item.need}): ${item.advice ?? item.detail}`);
        print(fit ? "\nThis machine is fit." : "\nThis machine is not fit yet.");
      }
      if (!fit) process.exitCode = 1;
    });
}

function state(item: { found: boolean; need: string }): string {
  if (item.found) return "ok";
  return item.need === "required" ? "MISSING" : "no";
}
