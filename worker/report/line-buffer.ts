export type LineBuffer = {
  push(line: string): void;
  /** The oldest lines that are not acknowledged, as many as one report may hold, and the number of the first. */
  next(): { first: bigint; lines: string[] };
  acknowledge(line: bigint): void;
  /** More waits than one report may hold. */
  hasFullBatch(): boolean;
};

const batchLines = 1_000;
const batchCharacters = 256 * 1_024;
/** Whoever writes the log bounds it; this bounds what a Central that acknowledges nothing can make us hold. */
const heldLines = 50_000;

/** The log's lines, numbered from 1, until they are acknowledged. Lines over the bound are dropped at the end, with a word that says so. */
export function createLineBuffer(): LineBuffer {
  let lines: string[] = [];
  let first = 1n;
  const count = (): number => {
    let characters = 0;
    let number = 0;
    while (
      number < lines.length &&
      number < batchLines &&
      (number === 0 || characters + lines[number]!.length <= batchCharacters)
    ) {
      characters += lines[number]!.length;
      number++;
    }
    return number;
  };
  return {
    push(line) {
      if (lines.length < heldLines) lines.push(line);
      else if (lines.length === heldLines) lines.push("[the rest of the log was dropped: it was not taken for too long]");
    },
    next: () => ({ first, lines: lines.slice(0, count()) }),
    acknowledge(line) {
      if (line < first) return;
      const last = first + BigInt(lines.length) - 1n;
      const number = Number((line < last ? line : last) - first) + 1;
      lines = lines.slice(number);
      first += BigInt(number);
    },
    hasFullBatch: () => count() < lines.length,
  };
}
