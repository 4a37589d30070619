import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tightenSeccomp, type SeccompProfile, type SeccompRule } from "#worker/sandbox/tighten-seccomp.ts";
import { SeccompError, writeSeccomp } from "#worker/sandbox/write-seccomp.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-seccomp-"));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

const allow = (names: string[], more: Partial<SeccompRule> = {}): SeccompRule => ({ names, action: "SCMP_ACT_ALLOW", ...more });
const base: SeccompProfile = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [
    allow(["read", "write", "unshare", "keyctl", "clone", "clone3", "io_uring_setup", "socket", "mknod"]),
    allow(["mount"], { includes: { caps: ["CAP_SYS_ADMIN"] } }),
    allow(["personality"], { args: [{ index: 0, value: 8, valueTwo: 0, op: "SCMP_CMP_EQ" }] }),
  ],
};

function rulesOf(name: string): SeccompRule[] {
  return tightenSeccomp(base).syscalls.filter((rule) => rule.names.includes(name));
}

test("what a default allows stays, but for what builds are refused and what needs a capability", () => {
  expect(rulesOf("read").map((rule) => rule.action)).toEqual(["SCMP_ACT_ALLOW"]);
  expect(rulesOf("personality")[0]?.args).toHaveLength(1);
  for (const name of ["unshare", "keyctl", "mount", "ptrace", "bpf"])
    expect(rulesOf(name).map((rule) => rule.errno)).toEqual(["EPERM"]);
  for (const name of ["clone3", "io_uring_setup"]) expect(rulesOf(name).map((rule) => rule.errno)).toEqual(["ENOSYS"]);
});

test("clone, socket and mknod are allowed by their arguments only", () => {
  for (const name of ["clone", "socket", "mknod"]) {
    expect(rulesOf(name).length).toBeGreaterThan(0);
    for (const rule of rulesOf(name)) expect(rule.args).toHaveLength(1);
  }
});

test("what a default does not name is refused, whatever that default does with it", () => {
  expect(tightenSeccomp(base)).toMatchObject({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38 });
});

test("the profile is written for Podman to read; without a default there is none, and the error says what to do", async () => {
  const source = join(folder, "default.json");
  await writeFile(source, JSON.stringify(base));
  const file = await writeSeccomp(join(folder, "state"), [join(folder, "absent.json"), source]);
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(tightenSeccomp(base))));
  await writeFile(source, '{"syscalls":[]}');
  await expect(writeSeccomp(folder, [source])).rejects.toThrow(SeccompError);
  await expect(writeSeccomp(folder, [source])).rejects.toThrow(/BUILD_SECCOMP/);
});
