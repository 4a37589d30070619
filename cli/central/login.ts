import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { Writable } from "node:stream";
import { errorMessage } from "#common/error-details.ts";
import { parseUrl } from "#common/config/parse.ts";
import { UsageError } from "../errors.ts";
import { print, printJson } from "../output/print.ts";
import { callCentralAt } from "./call-central.ts";
import { refuseInTheClear } from "./find-central.ts";
import { loginPath, removeLogin, writeLogin } from "./login-file.ts";

export type LoginOptions = { caFile?: string; tokenFile?: string; json?: boolean };

/** Keeps where Central is and a token that it knows, once a call has shown that both are right. */
export async function logIn(url: string, options: LoginOptions): Promise<void> {
  const checked = checkUrl(url);
  const ca = options.caFile === undefined ? undefined : await readInput("--ca-file", options.caFile);
  const token = (await readToken(options.tokenFile)).trim();
  if (!/^[A-Za-z0-9._~+/=-]{1,512}$/.test(token))
    throw new UsageError("the token: expected one as `catapult tokens create` prints it");
  const access = { url: checked, token, ca };
  await callCentralAt(access, "log in", async (client) => client.listEnvironments({ pageSize: 1 }));
  const path = writeLogin(process.env, { url: checked, token, ...(ca === undefined ? {} : { ca }) });
  if (options.json === true) printJson({ url: checked, path });
  else
    print(`Logged in to ${checked}; ${path} keeps it. CATAPULT_CENTRAL_URL and CATAPULT_TOKEN, where they are set, come first.`);
}

export function logOut(options: { json?: boolean }): void {
  const removed = removeLogin(process.env);
  if (options.json === true) printJson({ path: loginPath(process.env), removed });
  else print(removed ? "The login is gone; the token is still valid: `catapult tokens revoke` ends it." : "There was no login.");
}

function checkUrl(text_: string): string {
  let url: string;
  try {
    url = parseUrl(text_);
  } catch (error) {
    throw new UsageError(`<url>: ${errorMessage(error)}`, { cause: error });
  }
  refuseInTheClear(url, "<url>");
  return url;
}

async function readInput(option: string, path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw new UsageError(`${option}: ${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  });
}

/** From a file, from standard input, or typed without being shown; never an argument, which every process of the machine could read. */
async function readToken(file: string | undefined): Promise<string> {
  if (file !== undefined) return readInput("--token-file", file);
  if (!process.stdin.isTTY) return text(process.stdin);
  process.stderr.write("Token: ");
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: mute, terminal: true });
  lines.once("SIGINT", () => process.exit(130));
  try {
    return await lines.question("");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
