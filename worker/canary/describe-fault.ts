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
  const silence = causes.find((cause) => cause instanceof DeadlineError);
  if (silence !== undefined) return `Podman did not answer in ${silence.milliseconds / 1_000} s`;
  const status = causes.map(readStatusCode).find((code) => code !== undefined);
  if (status !== undefined) return `Podman answered with status ${status}`;
  const code = causes.map(errorCode).find((found) => found !== undefined);
  if (causes.some((cause) => cause instanceof PodmanError))
    return `Podman could not be asked${code === undefined ? "" : ` (${code})`}`;
  return "an error of the worker's own; its log says which";
}

/** The error, its causes, and of several errors in one the first with its own. */
function listCauses(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && cause !== null && causes.length < 8;) {
    causes.push(cause);
    if (!(cause instanceof Error)) break;
    cause = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause.cause;
  }
  return causes;
}
