import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { build } from "./harness.ts";

let podman: TestPodman;
let onSocket: TestCaddy;
let onPort: ChildProcess;
let folder: string;
let port: number;

beforeAll(async () => {
  podman = await useTestPodman();
  onSocket = await startTestCaddy();
  folder = await mkdtemp(join(tmpdir(), "catapult-admin-"));
  port = await freePort();
  // As careless as it can be: on every address of the machine, and open to every Host.
  const admin = { listen: `0.0.0.0:${port}`, config: { persist: false } };
  const logging = { logs: { default: { level: "DEBUG", writer: { output: "file", filename: join(folder, "log") } } } };
  await writeFile(join(folder, "caddy.json"), JSON.stringify({ admin, logging, apps: {} }));
  const env = { PATH: process.env["PATH"], HOME: folder };
  onPort = spawn("caddy", ["run", "--config", join(folder, "caddy.json")], { env, stdio: "ignore" });
  await eventually(() => createCaddyAdmin(`http://127.0.0.1:${port}`).get("/config/"));
}, podmanHookTimeout);

afterAll(async () => {
  onPort?.kill("SIGTERM");
  if (onPort !== undefined) await once(onPort, "exit");
  await rm(folder, { recursive: true });
  await onSocket.stop();
  await podman.release();
});

test("O6 a build reaches no admin API of Caddy: not by its port on any address of the machine, and not by its socket", async () => {
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address, family }) => (family === "IPv6" ? `[${address.split("%")[0]}]` : address)),
  );
  const before = (await readFile(join(folder, "log"), "utf8")).length;
  const socket = onSocket.admin.slice("unix/".length);
  const script = [
    "const attempts = []",
    `const gateway = require("fs").readFileSync("/proc/net/route", "utf8").split("\\n").map((line) => line.split("\\t")).find((f) => f[1] === "00000000")?.[2]`,
    `const address = gateway && Buffer.from(gateway, "hex").reverse().join(".")`,
    `for (const host of [...${JSON.stringify(own)}, address, "host.containers.internal", "host.docker.internal"].filter(Boolean))`,
    `  for (const path of ["/config/", "/stop"]) attempts.push(fetch(\`http://\${host}:${port}\${path}\`, { method: path === "/stop" ? "POST" : "GET", signal: AbortSignal.timeout(5000) }).then((r) => \`\${host} ANSWERED \${r.status}\`, (e) => \`\${host} \${e.cause?.code ?? e.name}\`))`,
    `attempts.push(new Promise((done) => require("net").connect(${JSON.stringify(socket)}, () => done("socket ANSWERED")).on("error", (e) => done(\`socket \${e.code}\`))))`,
    `Promise.all(attempts).then((lines) => { console.log(lines.join("\\n")); require("fs").mkdirSync("out"); require("fs").writeFileSync("out/index.html", "x") })`,
  ].join("\n");
  const { lines, failure } = await build(podman, { command: "node probe.cjs", files: { "probe.cjs": script } });
  expect(failure).toBeUndefined();
  const said = lines.join("\n");
  expect(said).toContain(own.find((address) => !address.startsWith("127.") && !address.startsWith("[")) ?? "no address");
  expect(said).not.toContain("ANSWERED");
  expect(said).toMatch(/socket ENOENT/);
  // The control: this very listener answers from outside of a build, and heard nothing from inside.
  expect((await readFile(join(folder, "log"), "utf8")).slice(before)).not.toContain('"uri"');
  expect((await fetch(`http://127.0.0.1:${port}/config/`)).status).toBe(200);
  expect((await readFile(join(folder, "log"), "utf8")).slice(before)).toContain('"uri"');
});
