import type { Command } from "commander";
import type { LoginOptions } from "../central/login.ts";

/** `catapult login` and `catapult logout`. */
export function addLogin(program: Command): void {
  program
    .command("login")
    .argument("<url>", "Central's, such as https://central.example.org")
    .description("keep Central's URL and a token for the next commands; the token is read from standard input")
    .option("--ca-file <path>", "certificates (PEM) to trust beside the system's, which are kept too")
    .option("--token-file <path>", "read the token from this file instead")
    .option("--json", "print where it is kept as JSON")
    .action(async (url: string, options: LoginOptions) => (await import("../central/login.ts")).logIn(url, options));
  program
    .command("logout")
    .description("forget what login kept")
    .option("--json", "print what was removed as JSON")
    .action(async (options: { json?: boolean }) => (await import("../central/login.ts")).logOut(options));
}
