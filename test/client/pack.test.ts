import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "#test/contract/run-buf.ts";
import { startSecureCentral, type SecureCentral } from "#test/contract/start-secure-central.ts";

const run = promisify(execFile);

let server: SecureCentral | undefined;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-client-"));
  server = await startSecureCentral();
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the README shows. */
async function readExample(): Promise<string> {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const example = /```ts\n(import \{ createCatapultClient[\s\S]*?)```/.exec(readme)?.[1];
  if (example === undefined) throw new Error("the README shows no use of the client");
  return example;
}

test(
  "the packed client, installed into an empty project, calls Central with the README's lines, types checked",
  { timeout: 180_000 },
  async () => {
    await run(process.execPath, [join(root, "client/build.mjs")]);
    const packed = await run("npm", ["pack", "--pack-destination", folder], { cwd: join(root, "client") });
    const filename = packed.stdout.trim();
    const files = (await run("tar", ["-tf", join(folder, filename)])).stdout.trim().split("\n");
    expect(files).toContain("package/dist/client/index.d.ts");
    // Node runs no TypeScript under node_modules.
    expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);

    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["install", ...quiet, `./${filename}`], { cwd: folder });
    const example = await readExample();
    await writeFile(join(folder, "use.ts"), example);
    const compilerOptions = {
      module: "nodenext",
      target: "es2023",
      // Connect's own types name fetch's.
      lib: ["es2023", "dom"],
      strict: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["use.ts"] }));
    await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]);
    await writeFile(join(folder, "use.ts"), example.replace("listEnvironments({})", 'listEnvironments({ pageSize: "one" })'));
    await expect(run(join(root, "node_modules/.bin/tsc"), ["-p", folder])).rejects.toMatchObject({
      stdout: expect.stringContaining("Type 'string' is not assignable to type 'number'") as unknown,
    });
    await writeFile(join(folder, "use.ts"), example);

    const env = {
      PATH: process.env["PATH"],
      CATAPULT_TOKEN: server!.token,
      CATAPULT_CENTRAL_URL: server!.url,
      CATAPULT_CA_FILE: server!.caFile,
    };
    const { stdout } = await run(process.execPath, [join(folder, "use.ts")], { cwd: folder, env });
    expect(stdout).toBe("one\n");
    // Without certificates of one's own: those of the system, or none at all on loopback.
    const { CATAPULT_CA_FILE: _, ...plain } = { ...env, CATAPULT_CENTRAL_URL: server!.central.url };
    expect((await run(process.execPath, [join(folder, "use.ts")], { cwd: folder, env: plain })).stdout).toBe("one\n");
  },
);
