import type { Sample } from "./open-sample.ts";
import type { Preview } from "./wait-for-preview.ts";

const remarks = { live: "", failed: "  (its build failed: see the comment)", closed: "  (its pull request is closed)" };

/** What is printed once everything runs. Without a sample it is the real GitHub that Catapult is connected to. */
export function formatSummary(o: {
  sample: (Sample & { state: Preview["kind"]; comment: string | undefined }) | undefined;
  envFile: string;
  webhookUrl: string;
  logs: string;
}): string {
  return [
    "",
    "Catapult is up.",
    "",
    ...(o.sample
      ? formatSample(o.sample)
      : [`GitHub's App must send its webhooks to ${o.webhookUrl}. Say what is deployed with \`catapult configs add\`.`, ""]),
    "In another shell, for `catapult`, `buf curl`, `psql` and the forge's API:",
    "",
    `  . ${quote(o.envFile)}`,
    "",
    `Logs are in ${o.logs}. Ctrl-C stops everything; sites and data stay for the next start.`,
    "",
  ].join("\n");
}

function formatSample(sample: Sample & { state: Preview["kind"]; comment: string | undefined }): string[] {
  // As the page shows it: GitHub hides HTML comments, such as the mark by which Catapult finds its own.
  const shown = sample.comment?.replaceAll(/<!--.*?-->/gs, "").trim();
  const comment = shown?.split("\n").map((line) => `  │ ${line}`.trimEnd());
  return [
    `  Preview      ${sample.previewUrl}${remarks[sample.state]}`,
    `  Production   ${sample.productionUrl}`,
    "",
    ...(comment ? ["The pull request's comment:", "", ...comment, ""] : []),
    "Push the next commit to the pull request, and reload the preview:",
    "",
    `  cd ${quote(sample.clone)}`,
    "  sed -i 's/Hello/Good morning/' src/greeting.js",
    "  git commit -am 'Good morning' && git push",
    "",
  ];
}

function quote(value: string): string {
  return /^[\w./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
