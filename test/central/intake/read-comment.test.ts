import { describe, expect, test } from "vitest";
import { parseDelivery } from "#central/intake/parse-delivery.ts";

const sha = "0a1b2c3d".repeat(5);

function comment(changes: { body?: string; comment?: object; issue?: object; top?: object } = {}) {
  const payload = {
    action: "created",
    repository: { id: 5 },
    issue: { number: 12, pull_request: { url: "https://github.test/pulls/12" }, ...changes.issue },
    comment: {
      id: 90,
      body: changes.body ?? `/catapult approve ${sha}`,
      user: { id: 3, login: "maintainer", type: "User" },
      author_association: "NONE",
      performed_via_github_app: null,
      ...changes.comment,
    },
    ...changes.top,
  };
  return parseDelivery("issue_comment", JSON.stringify(payload));
}

test("a comment that approves a commit is a hint to ask GitHub for comment, author and head", () => {
  const hint = { kind: "approval", repositoryId: 5n, pullRequest: 12n, commit: sha, commentId: 90n };
  expect(comment()).toEqual(hint);
});

test("F2 what the payload says of its author's standing changes nothing", () => {
  for (const author_association of ["OWNER", "MEMBER", "NONE"])
    expect(comment({ comment: { author_association } })).toEqual(comment());
});

describe("is ignored with a reason:", () => {
  test.each([
    ["an edited comment", { top: { action: "edited", changes: { body: { from: "x" } } } }],
    ["a deleted comment", { top: { action: "deleted" } }],
    ["a comment on an issue", { issue: { pull_request: undefined } }],
    ["a comment on what says null for its pull request", { issue: { pull_request: null } }],
    ["a bot's comment", { comment: { user: { id: 3, login: "x[bot]", type: "Bot" } } }],
    ["an organisation's comment", { comment: { user: { id: 3, login: "x", type: "Organization" } } }],
    ["what an App wrote in a person's name", { comment: { performed_via_github_app: { id: 1 } } }],
    ["an ordinary comment", { body: "Nice work" }],
  ])("%s", (_name, changes) => {
    expect(comment(changes)).toMatchObject({ kind: "ignored", reason: expect.stringMatching(/./) });
  });
});

test("a command that is not exact, and a payload that is not whole, are rejected with a reason", () => {
  expect(comment({ body: `/catapult approve ${sha.slice(0, 10)}` })).toMatchObject({
    kind: "rejected",
    reason: expect.stringMatching("40"),
  });
  for (const changes of [
    { comment: { id: "90" } },
    { comment: { body: 5 } },
    { comment: { user: null } },
    { issue: { number: 0 } },
  ]) {
    expect(comment(changes)).toMatchObject({ kind: "rejected", reason: expect.stringMatching(/./) });
  }
});

test("input 11 ids over 2^53 keep every digit", () => {
  const body = JSON.stringify({
    action: "created",
    repository: { id: 5 },
    issue: { number: 12, pull_request: {} },
    comment: { id: 1, body: `/catapult approve ${sha}`, user: { id: 3, type: "User" } },
  });
  const hint = parseDelivery("issue_comment", body.replace('"id":1', '"id":9007199254740993'));
  expect(hint).toMatchObject({ kind: "approval", commentId: 9_007_199_254_740_993n });
});
