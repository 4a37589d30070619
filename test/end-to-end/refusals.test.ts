import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServiceClient } from "#common/rpc/client.ts";
import { parseWorkerKeyFile, type SigningKey } from "#common/rpc/keys.ts";
import { centralSignatureHeader, createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout } from "#test/support/podman.ts";
import { startStack, type Stack } from "#test/support/stack.ts";

let stack: Stack;
let keys: SigningKey[];

beforeAll(async () => {
  stack = await startStack({ environments: ["one", "two"] });
  keys = await Promise.all(
    stack.workers.map(async (worker) => parseWorkerKeyFile(await readFile(worker.keyFile, "utf8")).verify[0]!),
  );
}, podmanHookTimeout);

afterAll(() => stack?.stop());

function postWebhook(body: string, signature: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${stack.centralUrl}/webhook/github`,
      {
        method: "POST",
        ca: stack.ca,
        headers: {
          "content-type": "application/json",
          "x-github-event": "ping",
          "x-github-delivery": "4a3b2c1d-0000-4000-8000-000000000001",
          ...(signature === undefined ? {} : { "x-hub-signature-256": signature }),
        },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

async function countRows(guid: string): Promise<number> {
  const { rowCount } = await stack.pool.query("select from webhook_deliveries where guid = $1", [guid]);
  return rowCount ?? 0;
}

describe("the webhook", () => {
  const body = JSON.stringify({ zen: "Half measures are as bad as nothing at all." });
  const sign = (secret: string) => `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

  test("a delivery without a signature or with a wrong one is answered 401 and leaves no row", async () => {
    expect(await postWebhook(body, undefined)).toBe(401);
    expect(await postWebhook(body, sign("not the secret"))).toBe(401);
    expect(await countRows("4a3b2c1d-0000-4000-8000-000000000001")).toBe(0);
  });

  test("the same delivery with the right signature is answered 202 once its row is there", async () => {
    expect(await postWebhook(body, sign(stack.webhookSecret))).toBe(202);
    expect(await countRows("4a3b2c1d-0000-4000-8000-000000000001")).toBe(1);
  });
});

describe("a signed call to a worker", () => {
  /** Sends a Cleanup of a site that never was, and gives back the refusal. */
  async function cleanup(o: { worker: number; interceptors: Interceptor[] }): Promise<ConnectError | undefined> {
    const client = createServiceClient(WorkerService, {
      url: stack.workers[o.worker]!.url,
      ca: stack.ca,
      interceptors: o.interceptors,
      retries: 0,
    });
    try {
      await client.cleanup({ siteId: 987654321n, generation: 1n, host: "nowhere.two.localhost" });
      return undefined;
    } catch (error) {
      return ConnectError.from(error);
    } finally {
      client.close();
    }
  }

  const signed = (key: number, recipient: string, clock?: () => Date) =>
    createSigningInterceptor({ header: centralSignatureHeader, recipient, key: () => keys[key]!, ...(clock ? { clock } : {}) });

  async function expectRefusal(worker: number, reason: string, refused: ConnectError | undefined): Promise<void> {
    expect(refused?.code).toBe(Code.Unauthenticated);
    expect(refused?.rawMessage).not.toContain(reason);
    await eventually(async () => {
      const log = await readFile(stack.workers[worker]!.daemon.logFile, "utf8");
      expect(log).toContain(`"reason":"${reason}"`);
    });
  }

  test("that another worker was meant to get is refused, by its unknown key and by its recipient", async () => {
    await expectRefusal(1, "signature_key_unknown", await cleanup({ worker: 1, interceptors: [signed(0, "worker-one")] }));
    await expectRefusal(1, "signature_wrong", await cleanup({ worker: 1, interceptors: [signed(1, "worker-one")] }));
  });

  test("with a timestamp of ten minutes ago is refused", async () => {
    const old = () => new Date(Date.now() - 600_000);
    await expectRefusal(0, "signature_stale", await cleanup({ worker: 0, interceptors: [signed(0, "worker-one", old)] }));
  });

  test("is taken once, and its replay is refused", async () => {
    let header: string | null = null;
    const record: Interceptor = (next) => (call) => {
      header = call.header.get(centralSignatureHeader);
      return next(call);
    };
    const replay: Interceptor = (next) => (call) => {
      call.header.set(centralSignatureHeader, header!);
      return next(call);
    };
    expect(await cleanup({ worker: 0, interceptors: [signed(0, "worker-one"), record] })).toBeUndefined();
    await expectRefusal(0, "signature_replayed", await cleanup({ worker: 0, interceptors: [replay] }));
  });
});
