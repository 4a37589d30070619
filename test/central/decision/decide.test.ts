import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDesiredAlready, type SiteNow } from "#central/decision/compare-with-newest.ts";
import { type ConfigRules, decideBranch, decidePullRequest, type SeenPullRequest } from "#central/decision/decide.ts";

const sha = "0a1b2c3d".repeat(5);
const config: ConfigRules = {
  repositoryId: 7n,
  domain: "sites.example",
  previewLabel: "site",
  productionHost: "www.sites.example",
  forks: "approve",
  enabled: true,
  deleting: false,
};
const open: SeenPullRequest = {
  number: 12n,
  open: true,
  commit: sha,
  branch: "change",
  headRepositoryId: 7n,
  baseRepositoryId: 7n,
};

test("an open pull request is deployed at pr-<number>-<label>.<domain>", () => {
  expect(decidePullRequest(config, open)).toEqual({
    do: "deploy",
    desired: {
      site: { kind: "preview", pullRequest: 12n, host: "pr-12-site.sites.example" },
      commit: sha,
      branch: "change",
      trust: "repository",
      held: false,
    },
  });
});

describe("a closed pull request is removed", () => {
  test.each([
    ["of a config that is enabled", config],
    ["of a disabled config", { ...config, enabled: false }],
    ["of a config that is being removed", { ...config, deleting: true }],
    ["with forks off", { ...config, forks: "off" as const }],
  ])("%s", (_name, rules) => {
    expect(decidePullRequest(rules, { ...open, open: false })).toEqual({ do: "remove" });
  });
  test("whatever its base repository, head and commit are", () => {
    const odd = { ...open, open: false, commit: "HEAD", headRepositoryId: undefined, baseRepositoryId: 9n };
    expect(decidePullRequest(config, odd)).toEqual({ do: "remove" });
  });
  test("if GitHub has it no more", () => expect(decidePullRequest(config, undefined)).toEqual({ do: "remove" }));
});

describe("a fork's pull request", () => {
  test.each([
    ["approve", 8n, true],
    ["on", 8n, false],
    ["approve", undefined, true],
  ] as const)("with forks %s and head %s is held: %s", (forks, headRepositoryId, held) => {
    const decision = decidePullRequest({ ...config, forks }, { ...open, headRepositoryId });
    expect(decision).toMatchObject({ do: "deploy", desired: { trust: "fork", held } });
  });
  test("with forks off is ignored, and says why", () => {
    expect(decidePullRequest({ ...config, forks: "off" }, { ...open, headRepositoryId: 8n })).toMatchObject({
      do: "ignore",
      reason: expect.stringContaining("forks"),
    });
  });
});

test("nothing is deployed for a disabled config, one that is being removed, or another repository of the same name", () => {
  for (const rules of [
    { ...config, enabled: false },
    { ...config, deleting: true },
  ]) {
    expect(decidePullRequest(rules, open).do).toBe("ignore");
    expect(decideBranch(rules, { repositoryId: 7n, branch: "main", commit: sha }).do).toBe("ignore");
  }
  expect(decidePullRequest(config, { ...open, baseRepositoryId: 8n }).do).toBe("reject");
  expect(decideBranch(config, { repositoryId: 8n, branch: "main", commit: sha }).do).toBe("reject");
});

test("input 27 what is no full SHA-1 is never deployed", () => {
  for (const commit of ["0".repeat(40), sha.slice(1), `${sha}0`, "HEAD", sha.toUpperCase(), `${sha}\n`, ""]) {
    expect(decidePullRequest(config, { ...open, commit }).do).toBe("reject");
    expect(decideBranch(config, { repositoryId: 7n, branch: "main", commit }).do).toBe("reject");
  }
});

test("the default branch is deployed at the production host, and one that is gone changes nothing", () => {
  expect(decideBranch(config, { repositoryId: 7n, branch: "main", commit: sha })).toMatchObject({
    do: "deploy",
    desired: { site: { kind: "production", host: "www.sites.example" }, trust: "repository", held: false },
  });
  expect(decideBranch(config, undefined).do).toBe("ignore");
});

test("no code of a fork is ever deployed with the repository's trust, and no closed pull request is ever deployed", () => {
  const rules = fc.record({
    forks: fc.constantFrom("off" as const, "approve" as const, "on" as const),
    enabled: fc.boolean(),
    deleting: fc.boolean(),
  });
  const seen = fc.record({
    open: fc.boolean(),
    headRepositoryId: fc.option(fc.bigInt(1n, 9n), { nil: undefined }),
    baseRepositoryId: fc.bigInt(6n, 8n),
  });
  const checked = fc.check(
    fc.property(rules, seen, (rule, pull) => {
      const decision = decidePullRequest({ ...config, ...rule }, { ...open, ...pull });
      if (!pull.open) return decision.do === "remove";
      if (decision.do !== "deploy") return true;
      const own = pull.headRepositoryId === config.repositoryId;
      const trusted = decision.desired.trust === "repository";
      return own === trusted && (own || decision.desired.held === (rule.forks === "approve")) && rule.enabled && !rule.deleting;
    }),
  );
  expect(checked.counterexample).toBeNull();
});

const site = (state: SiteNow["state"], deployment: string): SiteNow => ({
  generation: 3n,
  state,
  newest: { commit: sha, state: deployment },
});

describe("the commit of the newest deployment", () => {
  test.each(["held", "queued", "dispatched", "cloning", "building", "publishing", "succeeded", "failed", "canceled"])(
    "is not deployed again while it is %s",
    (state) => expect(isDesiredAlready(site("wanted", state), sha)).toBe(true),
  );
  test("is deployed again after its site was removed, and after it was lost or superseded", () => {
    expect(isDesiredAlready(site("removed", "succeeded"), sha)).toBe(false);
    expect(isDesiredAlready(site("removing", "succeeded"), sha)).toBe(false);
    expect(isDesiredAlready(site("wanted", "lost"), sha)).toBe(false);
    expect(isDesiredAlready(site("wanted", "superseded"), sha)).toBe(false);
  });
  test("is not deployed again after it was lost three times, nor on a site that was evicted", () => {
    expect(isDesiredAlready({ ...site("wanted", "lost"), newest: { commit: sha, state: "lost", timesLost: 3 } }, sha)).toBe(true);
    expect(isDesiredAlready({ ...site("wanted", "lost"), newest: { commit: sha, state: "lost", timesLost: 2 } }, sha)).toBe(
      false,
    );
    for (const state of ["succeeded", "superseded", "failed"]) expect(isDesiredAlready(site("evicted", state), sha)).toBe(true);
    expect(isDesiredAlready(site("evicted", "succeeded"), "f".repeat(40))).toBe(false);
  });
  test("is another one's reason for a new deployment", () => {
    expect(isDesiredAlready(site("wanted", "succeeded"), "f".repeat(40))).toBe(false);
    expect(isDesiredAlready({ ...site("wanted", "succeeded"), newest: null }, sha)).toBe(false);
  });
});
