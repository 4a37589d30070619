import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findFreePort } from "#local/free-port.ts";
import { choosePorts } from "#local/up/choose-ports.ts";

let folder: string;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "catapult-ports-"));
});

afterEach(async () => {
  for (const each of servers.splice(0)) each.close();
  await rm(folder, { recursive: true, force: true });
});

async function occupy(port: number): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
}

test("Every part gets a port of its own, and the same one the next time.", async () => {
  const first = await choosePorts(folder, {});
  expect(new Set(Object.values(first)).size).toBe(7);
  expect(await choosePorts(folder, {})).toEqual(first);
});

test("A port that somebody else has taken since is replaced, the others stay.", async () => {
  const first = await choosePorts(folder, {});
  await occupy(first.sites);
  const second = await choosePorts(folder, {});
  expect(second.sites).not.toBe(first.sites);
  expect({ ...second, sites: 0 }).toEqual({ ...first, sites: 0 });
});

test("A port that a variable sets is used, and one that is taken, shared or no port is refused by the variable's name.", async () => {
  const port = await findFreePort();
  expect((await choosePorts(folder, { CATAPULT_PORT_SITES: String(port) })).sites).toBe(port);
  await expect(choosePorts(folder, { CATAPULT_PORT_SITES: "http" })).rejects.toThrow(
    "CATAPULT_PORT_SITES: expected a whole number from 1 to 65535",
  );
  const twice = { CATAPULT_PORT_CENTRAL: String(port), CATAPULT_PORT_WORKER: String(port) };
  await expect(choosePorts(folder, twice)).rejects.toThrow(`CATAPULT_PORT_WORKER is ${port}, which another part has`);
  await occupy(port);
  await expect(choosePorts(folder, { CATAPULT_PORT_SITES: String(port) })).rejects.toThrow(`CATAPULT_PORT_SITES is ${port}`);
});
