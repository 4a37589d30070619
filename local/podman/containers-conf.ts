/**
 * The engine's settings. Soft and hard limits are equal, since the Docker-compatible API of Podman 4.3 swaps them.
 * cgroupfs needs no systemd session. crun refuses a hybrid cgroup mount, runc takes every kind.
 */
export function renderContainersConf(runtime: "runc" | "crun"): string {
  return [
    "[containers]",
    'default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]',
    "[network]",
    'network_backend = "netavark"',
    "[engine]",
    `runtime = "${runtime}"`,
    'cgroup_manager = "cgroupfs"',
    'events_logger = "file"',
    // How long the monitor of a program run by exec stays behind it. Podman's 300 s would pile them up, some for each build; with 0 the
    // program's exit status can be gone before it is asked for.
    "exit_command_delay = 1",
    "",
  ].join("\n");
}

/** Settings of the storage: none of the machine's own apply. */
export function renderStorageConf(o: { storage: string; run: string }): string {
  return [
    "[storage]",
    'driver = "overlay"',
    `graphroot = ${JSON.stringify(o.storage)}`,
    `runroot = ${JSON.stringify(`${o.run}/storage`)}`,
    "",
  ].join("\n");
}
