import { describe, expect, test } from "vitest";
import type { ConfigRules, SeenPullRequest } from "#central/decision/decide.ts";
import { differs } from "#central/reconcile/differs.ts";
import type { Preview } from "#central/reconcile/sql/select-previews.ts";

const [head, other] = ["a".repeat(40), "b".repeat(40)];
const config: ConfigRules = {
  repositoryId: 1n,
  domain: "one.test",
  previewLabel: "site",
  productionHost: "one.test",
  forks: "approve",
  enabled: true,
  deleting: false,
};
const seen = (changes: Partial<SeenPullRequest> = {}): SeenPullRequest => ({
  number: 7n,
  open: true,
  commit: head,
  branch: "change",
  headRepositoryId: 1n,
  baseRepositoryId: 1n,
  ...changes,
});
const preview = (changes: Partial<Preview> = {}): Preview => ({
  pullRequest: 7n,
  generation: 3n,
  state: "wanted",
  pinnedFrom: null,
  newest: { commit: head, state: "succeeded" },
  ...changes,
});

describe("an open pull request is looked at by itself", () => {
  test("when it has no preview, or one of another commit", () => {
    expect(differs(config, seen(), undefined)).toBe(true);
    expect(differs(config, seen(), preview({ newest: { commit: other, state: "succeeded" } }))).toBe(true);
  });

  test("and not when its head is there, on its way, failed, evicted, held or pinned", () => {
    for (const state of ["queued", "building", "succeeded", "failed"]) {
      expect(differs(config, seen(), preview({ newest: { commit: head, state } }))).toBe(false);
    }
    expect(differs(config, seen(), preview({ state: "evicted" }))).toBe(false);
    expect(differs(config, seen({ headRepositoryId: 2n }), preview({ newest: { commit: head, state: "held" } }))).toBe(false);
    expect(differs(config, seen(), preview({ pinnedFrom: head, newest: { commit: other, state: "succeeded" } }))).toBe(false);
  });

  test("nor when nothing is to be deployed of it", () => {
    expect(differs({ ...config, enabled: false }, seen(), undefined)).toBe(false);
    expect(differs({ ...config, forks: "off" }, seen({ headRepositoryId: undefined }), undefined)).toBe(false);
  });
});
