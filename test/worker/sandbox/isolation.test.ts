import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { build, mebibyte } from "./harness.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

/** Runs a command inside and gives what it printed after the line that repeats the command. */
async function look(command: string): Promise<string> {
  const { lines, failure } = await build(podman, { command: `${command}\nmkdir -p out; echo x >out/x` });
  expect(failure).toBeUndefined();
  return lines.join("\n").split("mkdir -p out; echo x >out/x\n")[1] ?? "";
}

test("a build has no capability, cannot gain any, and is nobody on the host", async () => {
  const status = await look("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; id -u; id -g");
  expect(status.replaceAll("\t", " ").split("\n")).toEqual([
    "CapInh: 0000000000000000",
    "CapPrm: 0000000000000000",
    "CapEff: 0000000000000000",
    "CapBnd: 0000000000000000",
    "CapAmb: 0000000000000000",
    "NoNewPrivs: 1",
    "Seccomp: 2",
    "10001",
    "10001",
  ]);
});

test("a build can write to its own capped file systems in memory and nowhere else", async () => {
  const places = [
    "/",
    "/etc",
    "/usr/local/bin",
    "/opt/catapult",
    "/build",
    "/build/ca.pem",
    "/sys/fs/cgroup",
    "/proc/sys/kernel",
  ];
  const refused = await look(`for place in ${places.join(" ")}; do [ -w $place ] && echo "$place is writable"; done; echo done`);
  expect(refused).toBe("done");
  expect(await look("awk '$2 == \"/\" { print $4 }' /proc/mounts")).toMatch(/^ro,/);
  const mounts = await look("df --block-size=1 --output=target,fstype,size /build /nix /tmp /run /var/tmp /dev/shm | tail -n +2");
  const sizes = mounts.split("\n").map((line) => line.split(/\s+/));
  expect(sizes).toEqual([
    ["/build", "tmpfs", String(256 * mebibyte)],
    ["/nix", "tmpfs", String(256 * mebibyte)],
    ["/tmp", "tmpfs", String(64 * mebibyte)],
    ["/run", "tmpfs", String(mebibyte)],
    ["/var/tmp", "tmpfs", String(mebibyte)],
    ["/dev/shm", "tmpfs", String(64 * mebibyte)],
  ]);
});

test("a build sees no file system of the host but the names that Podman writes for it", async () => {
  const mounts = await look("awk '$3 !~ /^(tmpfs|proc|sysfs|devpts|mqueue|overlay|cgroup2?)$/ { print $2 }' /proc/mounts | sort");
  expect(mounts.split("\n").toSorted()).toEqual(expect.arrayContaining(["/etc/hosts", "/etc/resolv.conf"]));
  for (const mount of mounts.split("\n"))
    expect(["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv"]).toContain(mount);
});

test("a build has the limits it was given", async () => {
  const values = await look(
    [
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max",
      "cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max",
      "ulimit -Hn; ulimit -Hu; ulimit -Hc",
    ].join("; "),
  );
  expect(values.split("\n")).toEqual([String(512 * mebibyte), "128", "4096", "4096", "0"]);
});

test("a build sees the variables it was given and none of this process", async () => {
  process.env["CATAPULT_TEST_SECRET"] = "do-not-show";
  const { lines } = await build(podman, {
    command: "env; mkdir out; env >out/x",
    environment: { CATAPULT_URL: "https://a.example/", ODD: "a'b\n$c" },
  });
  delete process.env["CATAPULT_TEST_SECRET"];
  const text = lines.join("\n");
  expect(text).toContain("CATAPULT_URL=https://a.example/");
  expect(text).toContain("ODD=a'b\n$c");
  expect(text).not.toContain("do-not-show");
});

/** All that Podman knows of the containers of one build. */
async function inspectAll(): Promise<string[]> {
  const containers = await podman.podman.listContainers({ all: true, filters: { label: ["site=secret"] } });
  return Promise.all(containers.map(async ({ Id }) => JSON.stringify(await podman.podman.getContainer(Id).inspect())));
}

test("the variables of a build are in no setting of its containers, which lie on the disk", async () => {
  const seen: string[] = [];
  const looking = new AbortController();
  const collect = async (): Promise<void> => {
    seen.push(...(await inspectAll()));
    looking.abort();
  };
  const running = build(podman, {
    command: "sleep 60",
    environment: { SECRET: "only-in-memory" },
    labels: { site: "secret" },
    signal: looking.signal,
    onLine: () => void collect(),
  });
  await running;
  expect(seen).toHaveLength(2);
  expect(seen.join("\n")).not.toContain("only-in-memory");
});

test("a build cannot reach into the kernel: no mount, no other namespace, no trace of a foreign process", async () => {
  const answers = await look(
    "mount -t tmpfs none /tmp 2>/dev/null && echo mounted; nsenter -t 1 -n true 2>/dev/null && echo entered; nft list ruleset 2>/dev/null && echo rules; chroot / true 2>/dev/null && echo chroot; ls /proc | grep -cE '^[0-9]+$' | awk '$1 > 20 { print \"sees others\" }'; echo done",
  );
  expect(answers).toBe("done");
});
