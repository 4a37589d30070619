import type { Pool } from "pg";
import { selectLogLines } from "./sql/select-log-lines.ts";

export type LineCache = {
  /** Lines after `after` and up to `last`, as many as one message carries. */
  read(deploymentId: bigint, after: bigint, last: bigint): Promise<{ first: bigint; lines: string[] }>;
  forget(deploymentId: bigint): void;
};

type Block = { from: bigint; numbers: bigint[]; lines: string[]; bytes: number };
type Entry = { block: Promise<Block>; bytes: number };

/** So many line numbers are read at once. */
const blockLines = 250n;
/** A message holds at most so many characters of log: with two hundred slow readers, each has one in its hands. */
const maxMessageLength = 131_072;
/** Kept of all logs together. Those who watch one build from its beginning read the same blocks one after the other. */
const maxCachedLength = 16_777_216;

/** The pieces of logs that were read last, each once for all who want it. */
export function createLineCache(pool: Pool): LineCache {
  const blocks = new Map<string, Entry>();
  let cached = 0;

  async function readBlock(deploymentId: bigint, index: bigint, last: bigint): Promise<Block> {
    const from = index * blockLines;
    const to = from + blockLines < last ? from + blockLines : last;
    const key = `${deploymentId}:${from}:${to}`;
    const known = blocks.get(key);
    if (known !== undefined) {
      // The one used last goes to the end: what is thrown out first stands first.
      blocks.delete(key);
      blocks.set(key, known);
      return known.block;
    }
    const entry: Entry = { block: load(deploymentId, from, to), bytes: 0 };
    blocks.set(key, entry);
    try {
      const block = await entry.block;
      entry.bytes = block.bytes;
      if (blocks.get(key) === entry) cached += block.bytes;
      trim();
      return block;
    } catch (error) {
      blocks.delete(key);
      throw error;
    }
  }

  async function load(deploymentId: bigint, from: bigint, to: bigint): Promise<Block> {
    const rows = await selectLogLines(pool, deploymentId, from, to);
    const lines = rows.map((row) => row.line);
    return { from, numbers: rows.map((row) => row.number), lines, bytes: lines.reduce((sum, line) => sum + line.length + 16, 0) };
  }

  function drop(key: string, entry: Entry): void {
    blocks.delete(key);
    cached -= entry.bytes;
  }

  function trim(): void {
    for (const [key, entry] of blocks) {
      if (cached <= maxCachedLength) return;
      if (entry.bytes > 0) drop(key, entry);
    }
  }

  return {
    async read(deploymentId, after, last) {
      for (let index = after / blockLines; index * blockLines < last; index += 1n) {
        const run = cutRun(await readBlock(deploymentId, index, last), after);
        if (run.lines.length > 0) return run;
      }
      return { first: 0n, lines: [] };
    },
    forget(deploymentId) {
      for (const [key, entry] of blocks) if (key.startsWith(`${deploymentId}:`)) drop(key, entry);
    },
  };
}

/** The lines of a block after one, while their numbers follow each other and a message holds them. */
function cutRun(block: Block, after: bigint): { first: bigint; lines: string[] } {
  const start = block.numbers.findIndex((number) => number > after);
  const first = block.numbers[start];
  if (start === -1 || first === undefined) return { first: 0n, lines: [] };
  let end = start;
  let length = 0;
  while (end < block.lines.length && block.numbers[end] === first + BigInt(end - start)) {
    length += block.lines[end]?.length ?? 0;
    if (end > start && length > maxMessageLength) break;
    end += 1;
  }
  return { first, lines: block.lines.slice(start, end) };
}
