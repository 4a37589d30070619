import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { callLibpod } from "#worker/podman/call-libpod.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { PodmanError } from "#worker/podman/podman-error.ts";
import { DeadlineError, withDeadline } from "#worker/podman/with-deadline.ts";

test("a refusal names what was attempted and what Podman answered", async () => {
  await withSocket(
    (_, response) => response.writeHead(409, { "content-type": "application/json" }).end('{"message":"name is in use"}'),
    async (socket) => {
      const call = callLibpod(connectPodman(socket), {
        attempt: "create the network a",
        method: "POST",
        path: "/networks/create",
        json: {},
      });
      await expect(call).rejects.toThrow(/^Could not create the network a: .*name is in use/);
      await expect(call).rejects.toMatchObject({ name: "PodmanError", statusCode: 409 });
    },
  );
});

test("query and body arrive apart", async () => {
  const seen: string[] = [];
  await withSocket(
    (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        seen.push(request.url ?? "", body);
        response.writeHead(200, { "content-type": "application/json" }).end('{"Id":"x"}');
      });
    },
    async (socket) => {
      const options = {
        attempt: "try",
        method: "POST" as const,
        path: "/things",
        query: { name: "a b&c" },
        json: { deep: { er: 1 } },
      };
      expect(await callLibpod(connectPodman(socket), options)).toEqual({ Id: "x" });
    },
  );
  expect(seen).toEqual(["/v4.0.0/libpod/things?name=a%20b%26c", '{"deep":{"er":1}}']);
});

test("a service that dies in the middle of an answer does not hold the caller for ever", async () => {
  await withSocket(
    (_, response) => void response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy()),
    async (socket) => {
      const call = callLibpod(connectPodman(socket), { attempt: "list", method: "GET", path: "/info", deadlineMs: 300 });
      await expect(call).rejects.toThrow(PodmanError);
    },
  );
});

test("a deadline ends a wait that nothing else ends, and leaves a quick one alone", async () => {
  await expect(withDeadline(20, "wait for nothing", new Promise(() => undefined))).rejects.toThrow(DeadlineError);
  expect(await withDeadline(20_000, "wait for something", Promise.resolve(1))).toBe(1);
});

async function withSocket(answer: Parameters<typeof createServer>[1], work: (socket: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "catapult-socket-"));
  const server = createServer(answer);
  const socket = path.join(folder, "podman.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    await work(socket);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
}
