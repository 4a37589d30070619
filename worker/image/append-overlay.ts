import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { ProgramError, runProgram } from "./run-program.ts";

/** Adds the overlay to the system's tar, in place. Podman refuses a tar that names a path twice, so folders that are there are left out. */
export async function appendOverlay(o: { system: string; overlay: string; folder: string }): Promise<void> {
  const present = new Set<string>();
  const quiet = "--quoting-style=literal";
  await runProgram({
    command: ["tar", "--list", quiet, `--file=${o.system}`],
    cwd: o.folder,
    onLine: (line) => present.add(path.posix.normalize(line).replace(/\/$/, "")),
  });
  const entries = await readdir(o.overlay, { recursive: true, withFileTypes: true });
  const added: string[] = [];
  for (const entry of entries) {
    const name = path.relative(o.overlay, path.join(entry.parentPath, entry.name));
    if (!present.has(name)) added.push(name);
    else if (!entry.isDirectory())
      throw new ProgramError(`/${name} is in Debian's packages already: give Catapult's own another place`);
  }
  const list = path.join(o.folder, "overlay.list");
  await writeFile(
    list,
    added
      .toSorted()
      .map((name) => `./${name}\0`)
      .join(""),
  );
  await runProgram({
    command: [
      ...([
        "tar",
        "--append",
        `--file=${o.system}`,
        `--directory=${o.overlay}`,
        "--owner=0",
        "--group=0",
        "--mode=u+rwX,go+rX,go-w",
      ] as const),
      "--no-recursion",
      "--null",
      `--files-from=${list}`,
    ],
    cwd: o.folder,
    onLine: () => undefined,
  });
}
