import { createServer } from "node:http";
import { expect, test } from "vitest";
import { createCaddyAdmin, parseCaddyAdmin } from "#worker/caddy/caddy-admin.ts";

test.each(["https://127.0.0.1:2019", "http://127.0.0.1:2019/config", "tcp://x", "unix:/x", ""])("%s is no admin API", (value) => {
  expect(() => parseCaddyAdmin(value)).toThrow("expected http://");
});

test.each([
  "http://192.0.2.7:2019",
  "http://caddy.example:2019",
  "http://[2001:db8::1]:2019",
  "http://0.0.0.0:2019",
  "http://127.0.0.1.evil.example:2019",
])("O6 an admin API that other machines may reach is refused: %s", (value) => {
  expect(() => parseCaddyAdmin(value)).toThrow("loopback");
});

test("A unix socket and an IPv6 address are reached with the Host that Caddy expects", () => {
  expect(parseCaddyAdmin("unix//run/caddy/a b.sock")).toEqual({
    options: { socketPath: "/run/caddy/a b.sock" },
    host: "127.0.0.1",
  });
  expect(parseCaddyAdmin("http://[::1]:2019")).toEqual({ options: { hostname: "::1", port: 2019 }, host: "[::1]:2019" });
});

test("What Caddy answers is passed on with its status; no answer has status 0 and says what to look at", async () => {
  let status = 500;
  const server = createServer((_, response) => response.writeHead(status).end("broken"));
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const admin = createCaddyAdmin(`http://127.0.0.1:${port}`);
  await expect(admin.get("/config/")).rejects.toMatchObject({
    name: "CaddyError",
    status: 500,
    message: expect.stringContaining("broken"),
  });
  status = 403;
  await expect(admin.get("/config/")).rejects.toMatchObject({ status: 403, message: expect.stringContaining("admin.origins") });
  await new Promise((settle) => server.close(settle));
  await expect(admin.get("/config/")).rejects.toMatchObject({ status: 0, message: expect.stringContaining("Does Caddy run?") });
});
