import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { errorCode, errorMessage } from "#common/error-details.ts";
import { CommandError } from "../errors.ts";

/** What `catapult login` keeps. `ca` is the certificates themselves. */
export type Login = { url: string; token: string; ca?: string };

/** Where it is kept: `$XDG_CONFIG_HOME/catapult/login.json`, which is in ~/.config where that is not set. */
export function loginPath(env: NodeJS.ProcessEnv): string {
  const folder = env["XDG_CONFIG_HOME"];
  // The XDG specification says to ignore a relative one.
  const base = folder !== undefined && isAbsolute(folder) ? folder : join(env["HOME"] || homedir(), ".config");
  return join(base, "catapult", "login.json");
}

/** The login, if there is one. A file that others may read is refused: whoever read it has the token. */
export function readLogin(env: NodeJS.ProcessEnv): Login | undefined {
  const path = loginPath(env);
  let text: string;
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0)
      throw new CommandError(`${path} holds a token and is open to others: chmod 600 it, or log in again`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    if (error instanceof CommandError) throw error;
    throw new CommandError(`the login in ${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  const login = parseLogin(text);
  if (login === undefined) throw new CommandError(`${path} is no login: run \`catapult login\` again`);
  return login;
}

function parseLogin(text: string): Login | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("url" in value) || !("token" in value) || typeof value.url !== "string" || typeof value.token !== "string")
      return undefined;
    const ca = "ca" in value && typeof value.ca === "string" ? value.ca : undefined;
    return { url: value.url, token: value.token, ...(ca === undefined ? {} : { ca }) };
  } catch {
    return undefined;
  }
}

/** Written whole beside it and renamed, for its owner's eyes alone. */
export function writeLogin(env: NodeJS.ProcessEnv, login: Login): string {
  const path = loginPath(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(login, undefined, 2)}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(draft, 0o600);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return path;
}

/** false: there was none. */
export function removeLogin(env: NodeJS.ProcessEnv): boolean {
  try {
    rmSync(loginPath(env));
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
