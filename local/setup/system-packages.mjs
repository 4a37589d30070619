import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { runVisibly } from "./run-visibly.mjs";
import { SetupError } from "./step.mjs";

/**
 * What Debian 12, Debian 13 and Ubuntu 24.04 call the packages, and the programs or files by which each is recognised; any one is enough,
 * so that what was installed by other means counts too.
 */
export const systemPackages = [
  { name: "podman", any: ["podman"] },
  { name: "runc", any: ["runc"] },
  { name: "netavark", any: ["/usr/lib/podman/netavark", "/usr/libexec/podman/netavark", "netavark"] },
  { name: "aardvark-dns", any: ["/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns", "aardvark-dns"] },
  { name: "nftables", any: ["nft"] },
  { name: "iptables", any: ["iptables"] },
  { name: "iproute2", any: ["ip"] },
  { name: "catatonit", any: ["catatonit", "/usr/libexec/podman/catatonit"] },
  { name: "mmdebstrap", any: ["mmdebstrap"] },
  {
    name: "debian-archive-keyring",
    any: ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"],
  },
  { name: "caddy", any: ["caddy"] },
  { name: "git", any: ["git"] },
  { name: "ca-certificates", any: ["/etc/ssl/certs/ca-certificates.crt"] },
];

const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Installs what is missing: as root, by sudo without a question, or by sudo with one where somebody can answer it. */
export async function installSystemPackages() {
  const missing = await findMissing();
  if (missing.length === 0) return undefined;
  const elevate = await findElevation();
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  if (!elevate || !(await exists("apt-get"))) {
    throw new SetupError(
      `These system packages are missing: ${missing.join(" ")}\n` +
        `Catapult installs them itself where it may (as root, or with sudo) and apt is there. Otherwise run, as root, and start again:\n\n` +
        `  apt-get update && ${install.join(" ")}\n`,
    );
  }
  process.stdout.write(`… system packages: ${[...elevate, ...install].join(" ")}\n`);
  // sudo drops the environment: DEBIAN_FRONTEND is given by env, or a package could ask a question that nobody answers.
  const asked = [...elevate, "env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=a"];
  await mustRun([...asked, "apt-get", "-q", "update"], missing);
  await mustRun([...asked, "apt-get", "-q", ...install.slice(1)], missing);
  if (missing.includes("caddy")) await switchOffCaddyService(elevate);
  const still = await findMissing();
  if (still.length > 0)
    throw new SetupError(`apt-get installed ${missing.join(" ")}, but these are not found: ${still.join(" ")}`);
  return `installed ${missing.join(" ")}`;
}

async function findMissing() {
  const found = await Promise.all(systemPackages.map(async ({ any }) => (await Promise.all(any.map(exists))).includes(true)));
  return systemPackages.filter((_, index) => !found[index]).map(({ name }) => name);
}

/** @param {string} program a name, or an absolute path */
async function exists(program) {
  const paths = program.startsWith("/")
    ? [program]
    : [...folders, ...(process.env["PATH"] ?? "").split(":")].map((folder) => path.join(folder, program));
  const mode = program.startsWith("/usr/share") || program.startsWith("/etc") ? constants.R_OK : constants.X_OK;
  const found = await Promise.all(
    paths.map((file) =>
      access(file, mode).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** The words before a command that make it run as root; undefined: there is no way. */
async function findElevation() {
  if (process.getuid?.() === 0) return [];
  if (!(await exists("sudo"))) return undefined;
  const silent = await promisify(execFile)("sudo", ["-n", "true"]).then(
    () => true,
    () => false,
  );
  if (silent) return ["sudo", "-n"];
  return process.stdin.isTTY ? ["sudo"] : undefined;
}

/**
 * @param {readonly string[]} command
 * @param {readonly string[]} missing
 */
async function mustRun(command, missing) {
  const code = await runVisibly(command);
  if (code !== 0) throw new SetupError(`${command.join(" ")} ended with ${code}: see above. Wanted were: ${missing.join(" ")}`);
}

/**
 * Debian's package starts a server of its own on port 80, now and at each boot. Catapult runs Caddy itself: the service that came with
 * this very installation is switched off, one that was there before is left alone.
 *
 * @param {readonly string[]} elevate
 */
async function switchOffCaddyService(elevate) {
  if (!(await exists("/run/systemd/system"))) return;
  const code = await runVisibly([...elevate, "systemctl", "disable", "--now", "caddy.service"]);
  if (code !== 0)
    process.stdout.write(
      "The service that came with the caddy package could not be switched off: systemctl disable --now caddy\n",
    );
}
