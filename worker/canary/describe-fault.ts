import { errorCode } from "#common/error-details.ts";
import { PodmanError, readStatusCode } from "#worker/podman/podman-error.ts";
import { DeadlineError } from "#worker/podman/with-deadline.ts";
import { SandboxImageError } from "#worker/sandbox/create-holder.ts";
import { CanaryToolError } from "./start-tool.ts";

/** What came back instead of an answer, in words that anybody may read: errors' own may hold paths and addresses. */
export function describeFault(error: unknown): string {
  if (error instanceof SandboxImageError) return "there is no builder image";
  if (error instanceof CanaryToolError) return "a container of the canary's own ended before it had done its part";
  const causes = listCauses(error);
  if (causes.some((cause) => cause instanceof DeadlineError)) return "Podman did not answer in time";
  const status = causes.map(readStatusCode).find((code) => code !== undefined);
  if (status !== undefined) return `Podman answered with status ${status}`;
  const code = causes.map(errorCode).find((found) => found !== undefined);
  if (causes.some((cause) => cause instanceof PodmanError))
    return `Podman could not be asked${code === undefined ? "" : ` (${code})`}`;
  return "an error of the worker's own; its log says which";
}

function listCauses(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && cause !== null && causes.length < 8;)
    cause = (causes.push(cause), cause instanceof Error ? cause.cause : undefined);
  return causes;
}
