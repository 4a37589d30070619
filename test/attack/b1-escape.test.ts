import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { look } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

type Call = [name: string, x64: number, arm64: number, args: string, answer: "EPERM" | "ENOSYS"];
/** Arguments with which each of these succeeds, or fails by another error, under Podman's default profile or without one. */
const calls: Call[] = [
  ["unshare, a user namespace", 272, 97, "0x10000000", "EPERM"],
  ["unshare, mounts", 272, 97, "0x00020000", "EPERM"],
  ["clone, a user namespace", 56, 220, "0x10000011, 0, 0, 0, 0", "ENOSYS"],
  ["clone3, whose flags no filter sees", 435, 435, "0, 0", "ENOSYS"],
  ["setns", 308, 268, "-1, 0", "EPERM"],
  ["mount", 165, 40, '"none", "/tmp", "tmpfs", 0, 0', "EPERM"],
  ["umount2", 166, 39, '"/absent", 0', "EPERM"],
  ["fsopen", 430, 430, '"nosuchfs", 0', "EPERM"],
  ["open_tree", 428, 428, '-100, "/absent", 0', "EPERM"],
  ["move_mount", 429, 429, '-1, "", -1, "", 0', "EPERM"],
  ["pivot_root", 155, 41, '"/", "/"', "EPERM"],
  ["chroot", 161, 51, '"/"', "EPERM"],
  ["keyctl, the keyring of the session", 250, 219, "0, -3, 1", "EPERM"],
  ["add_key", 248, 217, '"user", "a", "b", 1, -2', "EPERM"],
  ["request_key", 249, 218, '"user", "a", "b", -2', "EPERM"],
  ["bpf", 321, 280, "0, 0, 0", "EPERM"],
  ["perf_event_open", 298, 241, "0, 0, 0, 0, 0", "EPERM"],
  ["userfaultfd", 323, 282, "1", "EPERM"],
  ["io_uring_setup", 425, 425, "1, 0", "ENOSYS"],
  ["ptrace, of itself", 101, 117, "0, 0, 0, 0", "EPERM"],
  ["process_vm_readv", 310, 270, "$$, 0, 0, 0, 0, 0", "EPERM"],
  ["pidfd_getfd", 438, 438, "-1, 0, 0", "EPERM"],
  ["name_to_handle_at", 303, 264, '-100, "/", 0, 0, 0', "EPERM"],
  ["open_by_handle_at", 304, 265, "-1, 0, 0", "EPERM"],
  ["socket, vsock to the hypervisor", 41, 198, "40, 1, 0", "ENOSYS"],
  ["socket, packet", 41, 198, "17, 3, 0", "ENOSYS"],
  ["socket, cryptography of the kernel", 41, 198, "38, 5, 0", "ENOSYS"],
  ["socket, raw", 41, 198, "2, 3, 1", "EPERM"],
  ["mknod, a block device", 133, -1, '"/tmp/disk", 0060600, 0x800', "ENOSYS"],
  ["mknodat, a character device", 259, 33, '-100, "/tmp/memory", 0020600, 0x101', "ENOSYS"],
  ["syslog", 103, 116, "10, 0, 0", "EPERM"],
  ["reboot", 169, 142, "0, 0, 0, 0", "EPERM"],
  ["finit_module", 313, 273, '-1, "", 0', "EPERM"],
  ["kexec_load", 246, 104, "0, 0, 0, 0", "EPERM"],
  ["swapon", 167, 224, '"/absent", 0', "EPERM"],
  ["sethostname", 170, 161, '"owned", 5', "EPERM"],
  ["clock_settime", 227, 112, "0, 0", "EPERM"],
  ["quotactl", 179, 60, "0, 0, 0, 0", "EPERM"],
];

test("B1 the ways out through the kernel are shut: namespaces, mounts, keys, tracing, programs, devices, raw and foreign sockets", async () => {
  const arm = process.arch === "arm64";
  const known = calls.filter((call) => call[arm ? 2 : 1] >= 0);
  const perl = [
    "use POSIX ();",
    // A call that the kernel takes must not count as refused because an earlier one was.
    "sub try { my ($name, $number, @rest) = @_; $! = 0; my $answer = syscall($number, @rest); my %names = (1 => 'EPERM', 38 => 'ENOSYS');",
    "  POSIX::_exit(0) if $name =~ /^clone/ && $answer == 0; print $name, ' => ', ($answer == -1 ? ($names{$!+0} // $!+0) : 'done'), qq(\\n); }",
    "$| = 1;",
    ...known.map((call) => `try('${call[0]}', ${call[arm ? 2 : 1]}, ${call[3]});`),
  ].join("\n");
  const lines = await look(podman, "perl calls.pl", { files: { "calls.pl": perl } });
  expect(lines).toEqual(known.map((call) => `${call[0]} => ${call[4]}`));
});

test("B1 32-bit system calls are no second door", async () => {
  if (process.arch !== "x64") return;
  // An ELF of 32 bits that does exit(42).
  const elf = Buffer.from(
    "7f454c46010101000000000000000000020003000100000054800408340000000000000000000000340020000100000000000000" +
      "0100000000000000008004080080040860000000600000000500000000100000b801000000bb2a000000cd80",
    "hex",
  ).toString("base64");
  const [line] = await look(podman, `echo ${elf} | base64 -d >/tmp/small; chmod +x /tmp/small; /tmp/small; echo "status $?"`);
  expect(line).not.toBe("status 42");
});

test("B1 nothing of the kernel or of cgroups can be written, and what tells of the host is covered", async () => {
  const targets = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv6/conf/all/disable_ipv6",
    "/proc/sysrq-trigger",
    "/proc/1/oom_score_adj",
    "/proc/irq/default_smp_affinity",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/release_agent",
    "/sys/fs/cgroup/memory/notify_on_release",
    "/sys/fs/cgroup/pids/pids.max",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/pids.max",
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/sda",
    "/dev/vda",
    "/dev/fuse",
    "/dev/kvm",
    "/dev/net/tun",
    "/dev/vsock",
  ];
  const writes = targets.map((file) => `(echo -1000 >${file}) 2>/dev/null && echo "wrote ${file}"`);
  const reads = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/kallsyms"].map(
    (file) =>
      `[ "$(head -c 64 ${file} 2>/dev/null | tr -d '\\0' | grep -v '^0000000000000000' | wc -c)" = 0 ] || echo "read ${file}"`,
  );
  const lines = await look(
    podman,
    [
      ...writes,
      ...reads,
      "mkdir /sys/fs/cgroup/memory/evil /sys/fs/cgroup/evil 2>/dev/null && echo 'made a cgroup'",
      "ls /sys/firmware | head -n 3",
      "ls /dev | grep -vxE 'core|fd|full|mqueue|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero|console'",
      "echo done",
    ].join("\n"),
  );
  expect(lines).toEqual(["done"]);
});

test("B1 no program gives other rights, and no process but the build's own can be seen or traced", async () => {
  const lines = await look(
    podman,
    [
      "for program in su mount umount passwd chsh newgrp; do $program --help >/dev/null 2>&1; done",
      "cp /bin/bash /tmp/rooted && chmod 6755 /tmp/rooted && /tmp/rooted -p -c 'id -u'",
      "grep -h NoNewPrivs /proc/1/status /proc/self/status | sort -u | tr '\\t' ' '",
      "for pid in $(ls /proc | grep -E '^[0-9]+$'); do [ -e /proc/$pid/status ] && awk '/^Uid/ { print \"uid\", $2 }' /proc/$pid/status; done 2>/dev/null | sort -u",
      "head -c 1 /proc/1/root/etc/shadow 2>/dev/null && echo 'opened root'",
      "find / -xdev \\( -name 'podman.sock' -o -name 'docker.sock' -o -name 'containerd.sock' \\) 2>/dev/null; ls /run/podman /var/run/docker.sock 2>/dev/null",
      "echo done",
    ].join("\n"),
  );
  expect(lines).toEqual(["10001", "NoNewPrivs: 1", "uid 10001", "done"]);
});

test("B1 the memory of the container's first process is the build's own to read, and holds no secret of it", async () => {
  // Whoever reads the variable's value in its own memory this way would have found it in the other's.
  const peek = `
    const { openSync, readFileSync, readSync } = require("node:fs");
    for (const [name, pid] of [["own", process.pid], ["first", 1]]) {
      const memory = openSync("/proc/" + pid + "/mem");
      let bytes = 0, found = false;
      for (const line of readFileSync("/proc/" + pid + "/maps", "latin1").split("\\n")) {
        const [, from, to, rights] = /^([0-9a-f]+)-([0-9a-f]+) (rw)/.exec(line) ?? [];
        if (rights === undefined) continue;
        for (let at = parseInt(from, 16); at < parseInt(to, 16); at += 65536) {
          const page = Buffer.alloc(Math.min(65536, parseInt(to, 16) - at));
          try { bytes += readSync(memory, page, 0, page.length, at); } catch { continue; }
          if (page.includes(process.env.TOKEN)) found = true;
        }
      }
      console.log(name, bytes > 10000, found);
    }`;
  const lines = await look(podman, "node peek.cjs", {
    files: { "peek.cjs": peek },
    variables: { TOKEN: `s3cr3t-${randomBytes(16).toString("hex")}` },
  });
  expect(lines).toEqual(["own true true", "first true false"]);
});

test("B1 the host's abstract sockets lie in another namespace", async () => {
  let met = 0;
  const name = `\0catapult-attack-${process.pid}`;
  const server: Server = createServer((socket) => {
    met += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen({ path: name }, resolve));
  try {
    const script = `node -e 'require("net").connect({ path: "\\0" + process.argv[1] }).on("connect", () => console.log("connected")).on("error", (e) => console.log(e.code))' ${name.slice(1)}`;
    expect(await look(podman, script)).toEqual(["ECONNREFUSED"]);
    expect(met).toBe(0);
  } finally {
    server.close();
  }
});
