/** The limits of builds, which the worker reads. */
export const buildLimits = ["BUILD_MEMORY", "BUILD_DISK", "BUILD_CPUS", "BUILD_PIDS", "BUILD_TIMEOUT", "BUILD_SLOTS"] as const;

/**
 * What the daemons get of the environment that `up` runs in: what says how the machine is, and the limits of builds. `up` itself
 * decides the rest, or one stray variable of the shell would make this machine's Catapult another than the next one's.
 */
export function inheritEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const machine = "PATH HOME USER LANG TZ TMPDIR LOG_LEVEL NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR NODE_OPTIONS";
  const proxies = "HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy";
  const names = [...`${machine} ${proxies}`.split(" "), ...buildLimits];
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}
