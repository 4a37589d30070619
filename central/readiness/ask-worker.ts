import { errorCode } from "#common/error-details.ts";
import { parseReason } from "./parse-reason.ts";

const timeoutMs = 5_000;
const maxBytes = 4_096;

/** Asks a worker whether it takes builds, over the HTTPS that Build goes over. Null: it does; else why not. */
export async function askWorker(endpoint: string): Promise<string | null> {
  try {
    const response = await fetch(new URL("/readyz", endpoint), {
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readStart(response);
    if (response.status === 200) return null;
    return response.status === 503 ? parseReason(text) : `it answers /readyz with ${response.status}`;
  } catch (error) {
    return `it cannot be reached: ${describe(error)}`;
  }
}

async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= maxBytes) break;
  }
  return text.slice(0, maxBytes);
}

/** fetch puts what happened into the cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "TimeoutError") return `no answer in ${timeoutMs / 1_000} s`;
  return errorCode(error.cause) ?? errorCode(error) ?? "no answer";
}
