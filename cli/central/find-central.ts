import { isLoopback } from "#common/rpc/is-loopback.ts";
import { readConfig } from "#common/config/read-config.ts";
import { UsageError } from "../errors.ts";
import { operatorVariables } from "./central-config.ts";
import { readLogin } from "./login-file.ts";

export type CentralAccess = { url: string; token: string; ca: string | undefined };

/** Where Central is and who asks: the environment's word first, and what it leaves open by the login. A login's token goes to its own URL alone. */
export function findCentral(env: NodeJS.ProcessEnv): CentralAccess {
  const isSet = (name: string) => Boolean(env[name]) || Boolean(env[`${name}_FILE`]);
  const isComplete = isSet("CATAPULT_CENTRAL_URL") && isSet("CATAPULT_TOKEN");
  const login = isComplete ? undefined : readLogin(env);
  const filled = { ...env };
  if (login !== undefined && !isSet("CATAPULT_CENTRAL_URL")) filled["CATAPULT_CENTRAL_URL"] = login.url;
  const isLoginsUrl = login !== undefined && filled["CATAPULT_CENTRAL_URL"] === login.url;
  if (isLoginsUrl && !isSet("CATAPULT_TOKEN")) filled["CATAPULT_TOKEN"] = login.token;
  const { url, token, ca } = readConfig(filled, operatorVariables);
  refuseInTheClear(url, "CATAPULT_CENTRAL_URL");
  return { url, token, ca: ca ?? (isLoginsUrl ? login.ca : undefined) };
}

export function refuseInTheClear(url: string, name: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "http:" && !isLoopback(hostname)) {
    throw new UsageError(`${name}: http:// is for loopback addresses only, because the token goes with each call`);
  }
}
