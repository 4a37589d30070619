import type { Logger } from "#common/logger.ts";
import { createLogger } from "#common/logger.ts";

export type LogLine = Record<string, unknown> & { level: string; msg: string };

/** A logger whose lines can be read. */
export function createLogCollector(): { log: Logger; text: () => string; lines: () => LogLine[] } {
  const written: string[] = [];
  const log = createLogger({ name: "test", level: "trace", destination: { write: (line) => void written.push(line) } });
  return { log, text: () => written.join(""), lines: () => written.map((line): LogLine => JSON.parse(line)) };
}
