/** A log's size: `head` and `tail` in characters, a line's end counted as one. */
export type LogBounds = { head: number; tail: number; headLines: number; tailLines: number };

/** Central takes 60,000 lines of a deployment's log and closes it there, so more would cost the log's end. */
export const logBounds: LogBounds = { head: 2 * 2 ** 20, tail: 512 * 2 ** 10, headLines: 45_000, tailLines: 10_000 };

/** What is missing of a log; `kept` counts characters too. */
export type LeftOut = { lines: number; characters: number; kept: number };

/**
 * Bounds a log in total. The head goes out as it comes; then lines are held back, the newest of them only, and go out at the end
 * behind a marker that says how much is missing between.
 */
export function createBoundedLog(
  onLine: (line: string) => void,
  bounds: LogBounds = logBounds,
): { write(line: string): void; end(): LeftOut | undefined } {
  let headLeft = bounds.head;
  let headLinesLeft = bounds.headLines;
  let tail: string[] = [];
  let tailStart = 0;
  let tailSize = 0;
  let dropped = { lines: 0, characters: 0 };
  let headUsed = 0;
  return {
    write: (line) => {
      const size = line.length + 1;
      if (headLeft >= size && headLinesLeft > 0) {
        headLeft -= size;
        headLinesLeft -= 1;
        headUsed += size;
        onLine(line);
        return;
      }
      headLeft = 0;
      tail.push(line);
      tailSize += size;
      while ((tailSize > bounds.tail || tail.length - tailStart > bounds.tailLines) && tailStart < tail.length) {
        const oldest = (tail[tailStart]?.length ?? 0) + 1;
        tailStart += 1;
        tailSize -= oldest;
        dropped = { lines: dropped.lines + 1, characters: dropped.characters + oldest };
      }
      // Shifting each line off would move the whole array each time.
      if (tailStart > 1024 && tailStart * 2 > tail.length) {
        tail = tail.slice(tailStart);
        tailStart = 0;
      }
    },
    end: () => {
      const leftOut = dropped.lines === 0 ? undefined : { ...dropped, kept: headUsed + tailSize };
      if (leftOut !== undefined)
        onLine(
          `[… ${leftOut.lines} lines (${leftOut.characters} characters) left out: of a log ${bounds.head + bounds.tail} characters in ${bounds.headLines + bounds.tailLines} lines are kept …]`,
        );
      for (const line of tail.slice(tailStart)) onLine(line);
      tail = [];
      tailStart = 0;
      tailSize = 0;
      return leftOut;
    },
  };
}

/** The last line of a log that was cut although the build succeeded: Central knows it by its beginning, and says it in the comment. */
export function sayLeftOut({ lines, characters, kept }: LeftOut, bounds: LogBounds = logBounds): string {
  return `[The log was longer than its limit of ${bounds.head + bounds.tail} characters or ${bounds.headLines + bounds.tailLines} lines: ${lines} lines (${characters} characters) are left out, ${kept} characters are kept]`;
}
