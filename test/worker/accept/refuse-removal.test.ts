import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { readReason } from "#common/rpc/reason-error.ts";
import { CleanupRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { createAcceptor, type Work } from "#worker/accept/create-acceptor.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";

test("a removal at another host, or at the generation of a build, is refused for a stable reason", async () => {
  const folder = await mkdtemp(join(tmpdir(), "catapult-removal-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openSiteStore(folder);
  await store.put({ siteId: 1n, host: "a.test", kind: "preview", generation: 3n, newestMtime: 0, changedAt: 1 });
  const never = async () => Promise.reject(new Error("it was not refused"));
  const work: Work = { deploy: never, remove: never, endToken: () => undefined, reportAgain: () => undefined };
  const acceptor = createAcceptor({ store, slots: 1, work, onError: () => undefined });
  for (const wrong of [
    { generation: 4n, host: "b.test" },
    { generation: 3n, host: "a.test" },
  ]) {
    const error = await acceptor
      .cleanup(create(CleanupRequestSchema, { siteId: 1n, ...wrong }))
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.FailedPrecondition });
    expect(error instanceof ConnectError && readReason(error)).toBe("removal_refused");
  }
});
