/** What the Podman service answered when it refused a call. */
export class PodmanError extends Error {
  override readonly name = "PodmanError";
  readonly statusCode: number | undefined;

  constructor(attempt: string, cause: unknown) {
    super(`Could not ${attempt}: Podman answered ${describe(cause)}`, { cause });
    this.statusCode = readStatusCode(cause);
  }
}

/** Runs one call and names what it attempted when it fails. */
export async function callPodman<T>(attempt: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new PodmanError(attempt, error);
  }
}

export function readStatusCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
