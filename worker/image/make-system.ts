import { access, open } from "node:fs/promises";
import path from "node:path";
import { debianPackages, debianSuite, type Architecture } from "./image-contents.ts";
import { findMirrors } from "./find-mirrors.ts";
import { ProgramError, runProgram } from "./run-program.ts";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** None of it is read in a build: 50 MB of 300. */
const excluded = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

/** Whom builds run as. Were it not there, Podman would mount an /etc/passwd of its own making over the image's. */
const addUser = 'echo "build:x:10001:10001::/build/home:/bin/bash" >>"$1/etc/passwd"; echo "build:x:10001:" >>"$1/etc/group"';

/** Writes Debian's file system as a tar. As an ordinary user through sudo where that asks for no password, else in a user namespace. */
export async function makeSystem(o: {
  folder: string;
  architecture: Architecture;
  onLine: (line: string) => void;
}): Promise<string> {
  await checkKeyring();
  const mirrors = await findMirrors();
  const file = path.join(o.folder, "system.tar");
  const output = await open(file, "w", 0o600);
  const { prefix, mode } = await choosePrivilege(o.folder);
  try {
    await runProgram({
      command: [
        ...prefix,
        "mmdebstrap",
        `--mode=${mode}`,
        "--variant=minbase",
        "--format=tar",
        `--architectures=${o.architecture.debian}`,
        `--keyring=${keyring}`,
        `--include=${debianPackages.join(",")}`,
        '--aptopt=Acquire::Languages "none"',
        ...excluded.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
        `--customize-hook=${addUser}`,
        debianSuite,
        "-",
        `deb [signed-by=${keyring}] ${mirrors.debian} ${debianSuite} main`,
        `deb [signed-by=${keyring}] ${mirrors.debian} ${debianSuite}-updates main`,
        `deb [signed-by=${keyring}] ${mirrors.security} ${debianSuite}-security main`,
      ],
      cwd: o.folder,
      output,
      onLine: o.onLine,
    });
  } finally {
    await output.close();
  }
  return file;
}

async function checkKeyring(): Promise<void> {
  try {
    await access(keyring);
  } catch (cause) {
    throw new ProgramError(
      `${keyring} is missing: install the package debian-archive-keyring, with which Debian's packages are checked`,
      { cause },
    );
  }
}

async function choosePrivilege(
  cwd: string,
): Promise<{ prefix: readonly [] | readonly ["sudo", "-n"]; mode: "root" | "unshare" }> {
  if (process.getuid?.() === 0) return { prefix: [], mode: "root" };
  try {
    await runProgram({ command: ["sudo", "-n", "true"], cwd, onLine: () => undefined });
    return { prefix: ["sudo", "-n"], mode: "root" };
  } catch {
    return { prefix: [], mode: "unshare" };
  }
}
