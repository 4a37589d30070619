import { create } from "@bufbuild/protobuf";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BuildRequestSchema, CleanupRequestSchema, Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { createAcceptor } from "#worker/accept/create-acceptor.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-acceptor-"));
});
afterEach(async () => rm(folder, { recursive: true }));

test("a build that a removal or a rollback ends keeps its slot until it is gone", async () => {
  const ends = Promise.withResolvers<void>();
  const later: string[] = [];
  const acceptor = createAcceptor({
    store: await openSiteStore(folder),
    slots: 1,
    onError: (error) => later.push(String(error)),
    work: {
      async deploy({ siteId, release }) {
        // The first one's clone and container take a while to go, whatever ends it.
        if (siteId === 1n && release === "") await ends.promise;
        else later.push(`deploy ${siteId}`);
      },
      remove: async ({ siteId }) => void later.push(`remove ${siteId}`),
      endToken: () => undefined,
      reportAgain: () => undefined,
    },
  });
  const build = async (siteId: bigint, generation: bigint, release = "") =>
    acceptor.build(create(BuildRequestSchema, { siteId, generation, host: `${siteId}.test`, release }));
  expect(await build(1n, 1n)).toBe(Outcome.ACCEPTED);
  expect(await build(1n, 2n, "1-0a1b2c3d")).toBe(Outcome.ACCEPTED);
  expect(await build(2n, 1n)).toBe(Outcome.BUSY);
  expect(await acceptor.cleanup(create(CleanupRequestSchema, { siteId: 1n, generation: 3n, host: "1.test" }))).toBe(
    Outcome.ACCEPTED,
  );
  expect(await build(2n, 1n)).toBe(Outcome.BUSY);
  ends.resolve();
  await eventually(async () => expect(await build(2n, 1n)).toBe(Outcome.ACCEPTED));
  await acceptor.stop();
  expect(later.slice(-2)).toEqual(["remove 1", "deploy 2"]);
});

test("of builds that come at once as many are taken as there are slots", async () => {
  const acceptor = createAcceptor({
    store: await openSiteStore(folder),
    slots: 2,
    onError: () => undefined,
    work: {
      deploy: async (_request, { signal }) => new Promise((settle) => signal.addEventListener("abort", () => settle())),
      remove: async () => undefined,
      endToken: () => undefined,
      reportAgain: () => undefined,
    },
  });
  const outcomes = await Promise.all(
    [1n, 2n, 3n, 4n].map(async (siteId) =>
      acceptor.build(create(BuildRequestSchema, { siteId, generation: 1n, host: `${siteId}.test` })),
    ),
  );
  expect(outcomes).toEqual([Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.BUSY, Outcome.BUSY]);
  await acceptor.stop();
});
