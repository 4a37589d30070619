import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { parseDelivery } from "#central/intake/parse-delivery.ts";

type Example = { name: string; examples: Record<string, unknown>[] };
const file = createRequire(import.meta.url).resolve("@octokit/webhooks-examples/api.github.com/index.json");
const examples: Example[] = JSON.parse(readFileSync(file, "utf8"));
const all = examples.flatMap(({ name, examples: payloads }) => payloads.map((payload) => ({ name, payload })));

test("every event that GitHub documents is understood or ignored with a reason, and none is rejected", () => {
  expect(all.length).toBeGreaterThan(200);
  const bad = all
    .map(({ name, payload }) => ({ name, hint: parseDelivery(name, JSON.stringify(payload)) }))
    .filter(({ name, hint }) => {
      const silent = "reason" in hint && hint.reason === "";
      const handled = ["pull_request", "push", "ping"].includes(name);
      return silent || hint.kind === "rejected" || (!handled && hint.kind !== "ignored");
    });
  expect(bad).toEqual([]);
});

test("GitHub's own pull requests give repository, number and commit for the four actions alone", () => {
  const pulls = all.filter(({ name }) => name === "pull_request").map(({ payload }) => payload);
  for (const payload of pulls) {
    const hint = parseDelivery("pull_request", JSON.stringify(payload));
    const action = String(payload["action"]);
    const handled = ["opened", "synchronize", "reopened", "closed"].includes(action);
    // Whoever unlocks a conversation may have a comment waiting.
    expect(hint.kind).toBe(handled ? "pull_request" : action === "unlocked" ? "comment" : "ignored");
  }
  expect(pulls.some((payload) => payload["action"] === "opened")).toBe(true);
});

const push = (changes: object) =>
  parseDelivery(
    "push",
    JSON.stringify({
      ref: "refs/heads/main",
      after: "a".repeat(40),
      deleted: false,
      repository: { id: 5, default_branch: "main" },
      ...changes,
    }),
  );

describe("a push", () => {
  test("to the default branch is a hint to look at it", () =>
    expect(push({})).toEqual({ kind: "branch", repositoryId: 5n, commit: "a".repeat(40) }));
  test.each(["refs/heads/side", "refs/tags/main", "main", "refs/heads/main/x", "refs/heads/mаin"])(
    "to %s is ignored (26: the last one is Cyrillic)",
    (ref) => expect(push({ ref }).kind).toBe("ignored"),
  );
  test("that deletes the branch is ignored", () => expect(push({ deleted: true, after: "0".repeat(40) }).kind).toBe("ignored"));
});

const bodyWithId = (id: string) =>
  `{"ref":"refs/heads/main","after":"${"a".repeat(40)}","repository":{"id":${id},"default_branch":"main"}}`;

describe("bad input", () => {
  test("input 10 deep, repeated and __proto__ keys are rejected or read like any other, and never throw", () => {
    expect(parseDelivery("push", `${"[".repeat(10_000)}${"]".repeat(10_000)}`).kind).toBe("rejected");
    expect(parseDelivery("push", `${'{"repository":'.repeat(10_000)}1${"}".repeat(10_000)}`).kind).toBe("rejected");
    const twice = '{"ref":"refs/heads/x","ref":"refs/heads/main","after":"AFTER","repository":{"id":5,"default_branch":"main"}}';
    expect(parseDelivery("push", twice.replace("AFTER", "a".repeat(40))).kind).toBe("branch");
    expect(parseDelivery("push", '{"__proto__":{"repository":{"id":5}}}').kind).toBe("rejected");
  });
  test("input 11 ids over 2^53 keep every digit, over 2^63 they are rejected", () => {
    expect(parseDelivery("push", bodyWithId("9007199254740993"))).toMatchObject({ repositoryId: 9_007_199_254_740_993n });
    for (const id of ["9223372036854775808", "0", "-1", "1.5", '"5"', "1e400", "null"]) {
      expect(parseDelivery("push", bodyWithId(id)).kind).toBe("rejected");
    }
  });
  test("input 27 a commit that is none is rejected", () => {
    for (const after of ["a".repeat(39), "a".repeat(41), "HEAD", "A".repeat(40), null, "--upload-pack=x"]) {
      expect(push({ after }).kind).toBe("rejected");
    }
  });
  test("what is not JSON, or not an object, is rejected with a reason", () => {
    for (const text of ["", "{", "null", "[]", "1", '"x"', "\u0000"]) {
      expect(parseDelivery("pull_request", text)).toMatchObject({ kind: "rejected", reason: expect.stringMatching(/./) });
    }
  });
});
