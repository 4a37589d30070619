import { createMatcher, type Matcher } from "#worker/mask/create-matcher.ts";
import { listSecretForms } from "#worker/mask/secret-forms.ts";

/** What stands where a secret, or a part of one at the end of a line, stood. */
export const mask = "***";

export type LineSink = {
  /** `cut`: the line went on, and its rest will not come. */
  write(line: string, cut?: boolean): void;
  end(): void;
};

export type Masker = {
  /**
   * Masks lines that come one by one, also where a secret goes over the end of a line. A line whose end could begin a secret waits for the
   * next one, so no more is held than the longest secret and a line.
   */
  lines(onLine: (line: string) => void): LineSink;
  /** Masks a whole text. */
  text(text: string, cut?: boolean): string;
};

/** Masks secrets in every form that listSecretForms knows. What it is given must have been stripped of control characters before. */
export function createMasker(secrets: readonly string[]): Masker {
  const forms = new Set(secrets.filter((secret) => secret !== "").flatMap(listSecretForms));
  if (forms.size === 0) return { lines: (onLine) => ({ write: onLine, end: () => undefined }), text: (text) => text };
  const matcher = createMatcher([...forms]);
  const lines = (onLine: (line: string) => void): LineSink => maskLines(matcher, onLine);
  return {
    lines,
    text(text, cut = false) {
      const masked: string[] = [];
      const sink = lines((line) => masked.push(line));
      const all = text.split("\n");
      for (const [index, line] of all.entries()) sink.write(line, cut && index === all.length - 1);
      sink.end();
      return masked.join("\n");
    },
  };
}

/** Positions count units since the lines began, line ends not among them: a match may go over those. */
type Held = { text: string; start: number };
type Range = { start: number; end: number };

function maskLines(matcher: Matcher, onLine: (line: string) => void): LineSink {
  let state = 0;
  let position = 0;
  let held: Held[] = [];
  let secret: Range[] = [];

  const cover = (start: number, end: number): void => {
    let from = start;
    while (secret.length > 0 && secret.at(-1)!.end >= from) from = Math.min(from, secret.pop()!.start);
    secret.push({ start: from, end });
  };
  /** Hands on the lines that end where no match can begin any more. */
  const release = (until: number): void => {
    const waiting = held.findIndex(({ text, start }) => start + text.length > until);
    const count = waiting === -1 ? held.length : waiting;
    for (const line of held.slice(0, count)) onLine(hide(line, secret));
    held = held.slice(count);
    const rest = held[0]?.start ?? position;
    secret = secret.filter(({ end }) => end > rest);
  };
  const forget = (): void => {
    state = 0;
    release(position);
  };
  return {
    write(line, cut = false) {
      // Without this an endless row of empty lines would be held.
      if (line === "" && held.at(-1)?.text === "") forget();
      held.push({ text: line, start: position });
      for (let at = 0; at < line.length; at++) {
        state = matcher.step(state, line.charCodeAt(at));
        position++;
        const length = matcher.found(state);
        if (length > 0) cover(position - length, position);
      }
      if (cut) {
        if (matcher.pending(state) > 0) cover(position - matcher.pending(state), position);
        forget();
      } else release(position - matcher.pending(state));
    },
    end: forget,
  };
}

function hide({ text, start }: Held, secret: readonly Range[]): string {
  let shown = "";
  let at = start;
  for (const range of secret) {
    if (range.end <= at || range.start >= start + text.length) continue;
    if (range.start > at) shown += text.slice(at - start, range.start - start);
    shown += mask;
    at = range.end;
  }
  return at < start + text.length ? shown + text.slice(at - start) : shown;
}
