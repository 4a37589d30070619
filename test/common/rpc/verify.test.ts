import { describe, expect, it } from "vitest";
import { createSigningKey } from "#common/rpc/keys.ts";
import { signCall } from "#common/rpc/sign.ts";
import { verifySignature } from "#common/rpc/verify.ts";

const now = new Date(1_800_000_000_000);
const key = createSigningKey("alpha-1");
const call = { method: "/catapult.v1.WorkerService/Build", recipient: "alpha", digest: "d".repeat(64) };

/** Verifies and records which of its two questions were asked. */
async function verify(value: string | null, o: { knows?: boolean; fresh?: boolean } = {}) {
  const asked: { keys: string[]; nonces: [string, string, Date][] } = { keys: [], nonces: [] };
  const result = await verifySignature({
    value,
    method: call.method,
    recipient: call.recipient,
    now,
    findKey(kid) {
      asked.keys.push(kid);
      return Promise.resolve(o.knows === false ? undefined : { key: key.key, caller: "central" });
    },
    nonces: {
      take(kid, nonce, expiresAt) {
        asked.nonces.push([kid, nonce, expiresAt]);
        return Promise.resolve(o.fresh ?? true);
      },
    },
  });
  return { result, asked };
}

describe("verifySignature", () => {
  it("vouches for the caller and the digest, and takes the nonce until no clock in the window accepts it", async () => {
    const { result, asked } = await verify(signCall({ ...call, key, now, nonce: "0123456789abcdef" }));
    expect(result).toEqual({ ok: true, caller: "central", kid: "alpha-1", digest: call.digest });
    expect(asked.nonces).toEqual([["alpha-1", "0123456789abcdef", new Date(now.getTime() + 600_000)]]);
  });

  it("looks up no key for what is malformed or stale", async () => {
    const stale = signCall({ ...call, key, now: new Date(now.getTime() - 301_000) });
    for (const value of [null, "", "v1;", stale]) {
      expect((await verify(value)).asked.keys).toEqual([]);
    }
    expect((await verify(stale)).result).toMatchObject({ ok: false, reason: "signature_stale" });
  });

  it("takes no nonce for a caller without the key, so that nobody else can use them up", async () => {
    const forged = signCall({ ...call, key: createSigningKey("alpha-1"), now });
    expect(await verify(forged)).toMatchObject({ result: { ok: false, reason: "signature_wrong" }, asked: { nonces: [] } });
    const unknown = await verify(signCall({ ...call, key, now }), { knows: false });
    expect(unknown).toMatchObject({ result: { ok: false, reason: "signature_key_unknown" }, asked: { nonces: [] } });
  });

  it("refuses a nonce that was taken", async () => {
    const { result } = await verify(signCall({ ...call, key, now }), { fresh: false });
    expect(result).toEqual({ ok: false, reason: "signature_replayed", kid: "alpha-1" });
  });

  it.each(["/catapult.v1.WorkerService/Cleanup", "/catapult.v1.WorkerService/build"])(
    "refuses a signature for %s",
    async (method) => {
      const { result } = await verify(signCall({ ...call, method, key, now }));
      expect(result).toMatchObject({ ok: false, reason: "signature_wrong" });
    },
  );
});
