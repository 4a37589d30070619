import { Code, type HandlerContext } from "@connectrpc/connect";
import { callerKey } from "#common/rpc/caller.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { createRefusal } from "#common/rpc/refusal.ts";

/** In whose name something is read or written. */
export type Actor = {
  /** A token's name. */
  name: string;
  /** The one environment that it sees and changes; undefined: all. */
  environment: string | undefined;
};

/** Whoever holds the database itself; no token has such a name. */
export const localActor: Actor = { name: "(local)", environment: undefined };

/** The token that a call came with. Nothing is done in nobody's name. */
export function readActor(context: HandlerContext): Actor {
  const caller = context.values.get(callerKey);
  if (caller?.kind !== "token") throw createRefusal();
  return { name: caller.name, environment: caller.environment };
}

/** Refuses a name of an environment that the actor does not have, whether there is such an environment or not. */
export function requireEnvironment(actor: Actor, environment: string): void {
  if (actor.environment === undefined || actor.environment === environment) return;
  const message = `the token ${actor.name} is bound to the environment ${actor.environment}`;
  throw reasonError(Code.PermissionDenied, "other_environment", message);
}

/** Refuses what concerns more than one environment. */
export function requireUnbound(actor: Actor, what: string): void {
  if (actor.environment === undefined) return;
  const message = `${what} needs a token that is bound to no environment; ${actor.name} is bound to ${actor.environment}`;
  throw reasonError(Code.PermissionDenied, "environment_bound", message);
}

/** The environment to list by: the one that is asked for, within what the actor has. undefined: all. */
export function scopeEnvironment(actor: Actor, asked: string): string | undefined {
  if (asked === "") return actor.environment;
  requireEnvironment(actor, asked);
  return asked;
}
