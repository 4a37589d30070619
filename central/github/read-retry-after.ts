const defaultMs = 60_000;
const minMs = 1_000;
const maxMs = 3_600_000;

/**
 * How long GitHub asks to be left alone: retry-after in seconds; else, with nothing left, the moment of the reset; else, of a secondary limit, a
 * minute. undefined: the refusal is no limit.
 */
export function readRetryAfter(o: {
  status: number;
  headers: Record<string, string | number | undefined>;
  message: string;
  now?: number;
}): number | undefined {
  if (o.status !== 403 && o.status !== 429) return undefined;
  const seconds = Number(o.headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(seconds)) return clamp(seconds * 1000);
  if (String(o.headers["x-ratelimit-remaining"]) === "0") {
    return clamp(Number(o.headers["x-ratelimit-reset"]) * 1000 - (o.now ?? Date.now()));
  }
  return o.status === 429 || /secondary rate limit|abuse detection/i.test(o.message) ? defaultMs : undefined;
}

function clamp(ms: number): number {
  return Number.isFinite(ms) ? Math.min(Math.max(ms, minMs), maxMs) : defaultMs;
}
