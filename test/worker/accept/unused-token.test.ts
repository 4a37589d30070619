import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BuildRequestSchema, Outcome, type BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { createAcceptor, type Acceptor } from "#worker/accept/create-acceptor.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";

let folder: string;
let acceptor: Acceptor;
let ended: string[];
let finish: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-unused-"));
  ended = [];
  const running = new Promise<void>((settle) => (finish = settle));
  acceptor = createAcceptor({
    store: await openSiteStore(folder),
    slots: 1,
    onError: () => undefined,
    work: {
      endToken: (token) => void ended.push(token),
      deploy: () => running,
      remove: async () => undefined,
      reportAgain: () => undefined,
    },
  });
});
afterEach(async () => {
  finish();
  await acceptor.stop();
  await rm(folder, { recursive: true });
});

function build(cloneToken: string, changes: { siteId?: bigint; generation?: bigint } = {}): BuildRequest {
  return create(BuildRequestSchema, {
    siteId: 1n,
    generation: 5n,
    host: "a.test",
    commit: "a".repeat(40),
    cloneToken,
    ...changes,
  });
}

test("A Build that is taken keeps its token for the clone; of every other one the token ends at once", async () => {
  expect(await acceptor.build(build("first"))).toBe(Outcome.ACCEPTED);
  expect(ended).toEqual([]);
  // Sent again after an answer that was lost, with a token of its own: the work is the one that runs.
  expect(await acceptor.build(build("again"))).toBe(Outcome.ACCEPTED);
  expect(await acceptor.build(build("busy", { siteId: 2n }))).toBe(Outcome.BUSY);
  expect(await acceptor.build(build("older", { generation: 4n }))).toBe(Outcome.SUPERSEDED);
  expect(ended).toEqual(["again", "busy", "older"]);
});
