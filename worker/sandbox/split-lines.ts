import type { Masker } from "#worker/mask/create-masker.ts";

/** Longest line handed on, in characters. */
export const lineLimit = 4000;
/** What is kept of a line before it is cleaned: escape sequences make it longer than what is left of it. */
const rawLimit = 4 * lineLimit;

/**
 * Makes lines of bytes. A carriage return starts the line again, as on a terminal, so that of a progress bar the last state remains.
 * A line without an end takes no more memory than its limit.
 */
export function createLineSplitter(onLine: (line: string) => void, masker?: Masker): { write(chunk: Buffer): void; end(): void } {
  const decoder = new TextDecoder();
  const sink = masker?.lines((masked) => onLine(cutLine(masked)));
  let line = "";
  let cut = false;
  let returned = false;
  const add = (text: string): void => {
    if (text === "") return;
    if (returned) {
      line = "";
      cut = false;
    }
    returned = false;
    if (line.length + text.length > rawLimit) cut = true;
    if (line.length < rawLimit) line += text.slice(0, rawLimit - line.length);
  };
  const finish = (): void => {
    const clean = stripLine(line);
    // Secrets are masked in what a person will see, and before a cut can leave a part of one.
    if (sink === undefined) onLine(cutLine(clean));
    else sink.write(clean, cut);
    line = "";
    cut = false;
    returned = false;
  };
  const read = (text: string): void => {
    for (const part of text.split(/(\r|\n)/))
      if (part === "\n") finish();
      else if (part === "\r") returned = true;
      else add(part);
  };
  return {
    write: (chunk) => read(decoder.decode(chunk, { stream: true })),
    end: () => {
      read(decoder.decode());
      if (line !== "") finish();
      sink?.end();
    },
  };
}

/* eslint-disable no-control-regex -- control characters are what these find */
const strings = /\u001B[\]PX^_][\s\S]*?(?:\u0007|\u001B\\|$)/g;
const sequences = /[\u001B\u009B][[\]()#;?]*(?:\d{1,4}(?:[;:]\d{0,4})*)?[ -/]*[0-~]?/g;
const controls = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/g;
/* eslint-enable no-control-regex */
/** Characters that show nothing and change how their neighbours are shown or compared: bidirectional controls, zero width, tags. */
const invisible = /[\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

/** What a person may safely see of a line, wherever it is shown. Tabs stay. */
export function cleanLine(line: string): string {
  return cutLine(stripLine(line));
}

function stripLine(line: string): string {
  return line.replace(strings, "").replace(sequences, "").replace(controls, "").replace(invisible, "");
}

function cutLine(line: string): string {
  return line.length <= lineLimit ? line : `${line.slice(0, lineLimit - 1)}…`;
}
