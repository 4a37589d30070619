import { readFileSync } from "node:fs";

/** What leaves marks in a process, or is slow: another file must not meet it. */
const marks = [
  /\bprocess\.(?!platform|arch|pid\b|getuid|version)/,
  /node:(?:child_process|cluster|net|http|https|tls|worker_threads|os)"/,
  // Helpers start things, and what they import may.
  /from "#test\/(?!support\/(?:eventually|read-sources|cache-budgets)\.ts)/,
  /from "\.{1,2}\/(?!\.\.\/(?:\.\.\/)?cli\/)/,
  /\bvi\b|\binject\(|\bimport\(|\bglobalThis\b|\bumask\b/,
  /telemetry|trustCertificates|failpoint/i,
];

/**
 * Whether a test file can share a process with others: pure functions only. A process of its own costs 130 ms of a core and the loading of all it imports; a file of
 * pure functions takes less than that.
 */
export function isPure(file: string): boolean {
  const text = readFileSync(file, "utf8");
  return !marks.some((mark) => mark.test(text));
}
