import { chmod, copyFile, cp, mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { filesFolder } from "./hash-inputs.ts";
import { findInstalledNode, nodeCommands, nodeTools, nodeVersion, type Architecture } from "./image-contents.ts";
import { runProgram } from "./run-program.ts";

const toolsFolder = "/opt/catapult/tools";

/** Lays out what the image holds beyond Debian: Node with its package managers, the entry scripts, Nix's settings and the devshells. */
export async function makeOverlay(o: {
  folder: string;
  architecture: Architecture;
  onLine: (line: string) => void;
}): Promise<string> {
  const root = path.join(o.folder, "overlay");
  const at = (absolute: string): string => path.join(root, absolute);
  for (const folder of ["/usr/local/bin", "/etc", "/opt/catapult/nix", toolsFolder, "/nix", "/build"])
    await mkdir(at(folder), { recursive: true });
  const installed = findInstalledNode(o.architecture);
  const nodePackage = `node-linux-${o.architecture.node}`;
  const packages = Object.entries(nodeTools).map(([name, version]) => `${name}@${version}`);
  if (installed === undefined) packages.push(`${nodePackage}@${nodeVersion}`);
  await runProgram({
    command: [
      ...([
        "npm",
        "install",
        "--prefix",
        at(toolsFolder),
        "--no-save",
        "--ignore-scripts",
        "--no-bin-links",
        "--no-audit",
        "--no-fund",
      ] as const),
      ...packages,
    ],
    cwd: o.folder,
    onLine: o.onLine,
  });
  await copyFile(installed ?? at(`${toolsFolder}/node_modules/${nodePackage}/bin/node`), at("/usr/local/bin/node"));
  await rm(at(`${toolsFolder}/node_modules/${nodePackage}`), { recursive: true, force: true });
  await chmod(at("/usr/local/bin/node"), 0o755);
  for (const [name, file] of Object.entries(nodeCommands)) {
    await chmod(at(`${toolsFolder}/node_modules/${file}`), 0o755);
    await symlink(`${toolsFolder}/node_modules/${file}`, at(`/usr/local/bin/${name}`));
  }
  await copyFiles(at);
  return root;
}

async function copyFiles(at: (absolute: string) => string): Promise<void> {
  await cp(path.join(filesFolder, "devshells"), at("/opt/catapult/devshells"), { recursive: true });
  for (const [name, target, mode] of [
    ["nix.conf", "/opt/catapult/nix/nix.conf", 0o644],
    ["registry.json", "/opt/catapult/nix/registry.json", 0o644],
    ["gitconfig", "/etc/gitconfig", 0o644],
    ["yarn", "/usr/local/bin/yarn", 0o755],
    ["run-build.sh", "/opt/catapult/run-build.sh", 0o755],
    ["run-shell.sh", "/opt/catapult/run-shell.sh", 0o755],
    ["hold-network.sh", "/opt/catapult/hold-network.sh", 0o755],
  ] as const) {
    await copyFile(path.join(filesFolder, name), at(target));
    await chmod(at(target), mode);
  }
}
