import { parseBytes } from "#common/config/parse.ts";

/** How much must stay free: a share of the file system, or bytes of it. */
export type Watermark = { share: number } | { bytes: number };

/** `10%` or `2g`. */
export function parseWatermark(value: string): Watermark {
  const percent = /^([0-9]{1,2}(?:\.[0-9])?)%$/.exec(value)?.[1];
  if (percent !== undefined) return { share: Number(percent) / 100 };
  try {
    return { bytes: parseBytes(value) };
  } catch (cause) {
    throw new Error("expected a share such as 10% or a size such as 2g", { cause });
  }
}
