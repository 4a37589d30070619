import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextStep, type SiteNow } from "#central/decision/compare-with-newest.ts";
import { decideApproval } from "#central/decision/decide-approval.ts";
import { type ConfigRules, decideBranch, decidePullRequest, type SeenPullRequest } from "#central/decision/decide.ts";
import { mayApprove } from "#central/decision/may-approve.ts";

const sha = "0a1b2c3d".repeat(5);
const other = "f".repeat(40);
const config: ConfigRules = {
  repositoryId: 7n,
  domain: "sites.example",
  previewLabel: "site",
  productionHost: "www.sites.example",
  forks: "approve",
  enabled: true,
  deleting: false,
};
const fork: SeenPullRequest = {
  number: 12n,
  open: true,
  commit: sha,
  branch: "change",
  headRepositoryId: 8n,
  baseRepositoryId: 7n,
};

describe("F1 a fork's pull request never runs with the repository's trust", () => {
  test("not held and not built with forks off, held by default, and of trust fork whatever lets it be built", () => {
    expect(decidePullRequest({ ...config, forks: "off" }, fork)).toMatchObject({
      do: "ignore",
      reason: expect.stringMatching("forks"),
    });
    expect(decidePullRequest(config, fork)).toMatchObject({ do: "deploy", desired: { trust: "fork", held: true } });
    expect(decidePullRequest({ ...config, forks: "on" }, fork)).toMatchObject({ desired: { trust: "fork", held: false } });
    expect(decideApproval(config, fork, sha)).toMatchObject({ do: "approve", desired: { trust: "fork", commit: sha } });
  });
  test("nor does one whose fork was deleted", () => {
    const deleted = { ...fork, headRepositoryId: undefined };
    expect(decidePullRequest(config, deleted)).toMatchObject({ do: "deploy", desired: { trust: "fork", held: true } });
  });
});

describe("F2 an approval", () => {
  test.each([
    ["write", true],
    ["maintain", true],
    ["admin", true],
    ["triage", false],
    ["read", false],
    ["none", false],
    ["", false],
    ["OWNER", false],
    ["Write", false],
  ])("by someone of permission %j counts: %s", (permission, may) => {
    expect(mayApprove({ permission, userId: 5n }, 5n)).toBe(may);
  });
  test("by someone whom GitHub does not know there, or who took the author's login over, does not count", () => {
    expect(mayApprove(undefined, 5n)).toBe(false);
    expect(mayApprove({ permission: "admin", userId: 6n }, 5n)).toBe(false);
  });
  test("is for the head that GitHub shows now and no other commit", () => {
    expect(decideApproval(config, { ...fork, commit: other }, sha)).toMatchObject({ do: "refuse", why: "moved" });
  });
  test.each([
    ["that does not exist", undefined, "missing"],
    ["that is closed", { ...fork, open: false }, "not_needed"],
    ["of the repository's own branch", { ...fork, headRepositoryId: 7n }, "not_needed"],
    ["of another repository of the same name", { ...fork, baseRepositoryId: 9n }, "not_needed"],
    ["whose head is no commit", { ...fork, commit: "HEAD" }, "not_needed"],
  ] as const)("of a pull request %s is refused with its reason", (_name, seen, why) => {
    expect(decideApproval(config, seen, sha)).toMatchObject({ do: "refuse", why, reason: expect.stringMatching(/./) });
  });
  test.each([
    ["with forks off", { forks: "off" as const }],
    ["of a disabled config", { enabled: false }],
    ["of a config that is being removed", { deleting: true }],
  ])("%s is refused", (_name, rules) => {
    expect(decideApproval({ ...config, ...rules }, fork, sha)).toMatchObject({ do: "refuse", why: "not_needed" });
  });
});

describe("F3, input 21 a fork's branch named as the default one", () => {
  test.each(["main", "refs/heads/main", "mаin"])("%s is a preview like any other", (branch) => {
    expect(decidePullRequest({ ...config, forks: "on" }, { ...fork, branch })).toMatchObject({
      desired: { site: { kind: "preview", host: "pr-12-site.sites.example" }, trust: "fork" },
    });
  });
  test("seen in the fork itself it is nothing", () => {
    expect(decideBranch(config, { repositoryId: 8n, branch: "main", commit: sha }).do).toBe("reject");
  });
});

test("F1–F3 no pull request at all reaches production, and no approval builds another commit than its own", () => {
  const commits = fc.constantFrom(sha, other, "HEAD", "");
  const seen = fc.record({
    open: fc.boolean(),
    commit: commits,
    branch: fc.constantFrom("main", "change"),
    headRepositoryId: fc.option(fc.bigInt(6n, 9n), { nil: undefined }),
    baseRepositoryId: fc.bigInt(6n, 8n),
  });
  const rules = fc.record({ forks: fc.constantFrom("off" as const, "approve" as const, "on" as const), enabled: fc.boolean() });
  const checked = fc.check(
    fc.property(rules, seen, commits, (rule, pull, approved) => {
      const now = { ...config, ...rule };
      const decision = decidePullRequest(now, { ...fork, ...pull });
      if (decision.do === "deploy" && decision.desired.site.kind !== "preview") return false;
      const approval = decideApproval(now, { ...fork, ...pull }, approved);
      if (approval.do === "refuse") return true;
      const { desired } = approval;
      return (
        pull.open &&
        rule.enabled &&
        rule.forks !== "off" &&
        desired.commit === approved &&
        pull.commit === approved &&
        desired.trust === "fork" &&
        desired.site.kind === "preview"
      );
    }),
    { numRuns: 2_000 },
  );
  expect(checked.counterexample).toBeNull();
});

describe("what becomes of a fork's commit", () => {
  const site = (state: string): SiteNow => ({ generation: 3n, state: "wanted", newest: { commit: sha, state } });
  test("held: it is released by its approval, and waits without one", () => {
    expect(nextStep(site("held"), { commit: sha, held: false })).toBe("release");
    expect(nextStep(site("held"), { commit: sha, held: true })).toBe("nothing");
  });
  test.each(["queued", "dispatched", "building", "succeeded", "failed", "canceled"])(
    "%s: it is neither held again nor built again",
    (state) => {
      expect(nextStep(site(state), { commit: sha, held: true })).toBe("nothing");
      expect(nextStep(site(state), { commit: sha, held: false })).toBe("nothing");
    },
  );
  test("a newer one than the approved one is another deployment", () => {
    expect(nextStep(site("held"), { commit: other, held: true })).toBe("deploy");
    expect(nextStep(site("succeeded"), { commit: other, held: true })).toBe("deploy");
  });
});
