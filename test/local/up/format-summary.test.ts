import { expect, test } from "vitest";
import { formatSummary } from "#local/up/format-summary.ts";

const sample = {
  token: "ghp_secret",
  clone: "/home/some one's/.catapult/sample",
  pullRequest: 1,
  previewUrl: "http://pr-1-sample.catapult.localhost:8081",
  productionUrl: "http://sample.catapult.localhost:8081",
  comment: "<!-- catapult site 1 -->\n**Ready:** here\n\nCommit x",
};
const rest = { envFile: "/srv/.catapult/env", webhookUrl: "https://127.0.0.1:1/webhook/github", logs: "/srv/.catapult/log" };

test("The sample's URLs, its comment as the page shows it, and commands that a shell understands are printed, and no token.", () => {
  const text = formatSummary({ sample: { ...sample, state: "live" }, ...rest });
  expect(text).toContain("  Preview      http://pr-1-sample.catapult.localhost:8081\n");
  expect(text).toContain("\n  │ **Ready:** here\n  │\n  │ Commit x\n");
  expect(text).toContain("  cd '/home/some one'\\''s/.catapult/sample'\n");
  expect(text).not.toContain("<!--");
  expect(text).not.toContain("ghp_secret");
});

test("A sample that failed or was closed is said to be so.", () => {
  expect(formatSummary({ sample: { ...sample, state: "failed" }, ...rest })).toContain("its build failed");
  expect(formatSummary({ sample: { ...sample, state: "closed" }, ...rest })).toContain("its pull request is closed");
});

test("With the real GitHub the webhook's URL is printed.", () => {
  expect(formatSummary({ sample: undefined, ...rest })).toContain("webhooks to https://127.0.0.1:1/webhook/github");
});
