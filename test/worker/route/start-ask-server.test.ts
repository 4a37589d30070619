import { afterAll, beforeAll, expect, test } from "vitest";
import { startAskServer, type AskServer } from "#worker/route/start-ask-server.ts";

let server: AskServer;
beforeAll(async () => {
  server = await startAskServer({ listen: { host: "127.0.0.1", port: 0 }, isServed: (host) => host === "www.sites.test" });
});
afterAll(async () => server.stop());

test.each([
  ["GET", "/ask?domain=www.sites.test", 200],
  ["GET", "/ask?domain=other.sites.test", 404],
  ["GET", "/ask?domain=", 404],
  ["GET", "/ask", 404],
  ["GET", "/?domain=www.sites.test", 404],
  ["POST", "/ask?domain=www.sites.test", 404],
  ["GET", "//ask?domain=www.sites.test", 404],
])("%s %s is answered with %d", async (method, path, status) => {
  expect((await fetch(`http://127.0.0.1:${server.port}${path}`, { method })).status).toBe(status);
});
