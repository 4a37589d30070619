import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";

/** Refuses to build for a config that is disabled or on its way out. */
export function refuseConfig(config: { enabled: boolean; deleting: boolean }): void {
  refuseDeleting(config);
  if (!config.enabled) throw reasonError(Code.FailedPrecondition, "config_disabled", "the deployment config is disabled");
}

export function refuseDeleting(config: { deleting: boolean }): void {
  if (config.deleting) throw reasonError(Code.FailedPrecondition, "config_deleting", "the deployment config is being removed");
}
