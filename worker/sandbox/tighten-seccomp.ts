/** A seccomp profile as Podman reads it. */
export type SeccompProfile = { syscalls: SeccompRule[]; [other: string]: unknown };
export type SeccompRule = {
  names: string[];
  action: string;
  args?: readonly SeccompArgument[] | null;
  includes?: { caps?: string[]; arches?: string[] };
  excludes?: { caps?: string[]; arches?: string[] };
  errnoRet?: number;
  errno?: string;
  [other: string]: unknown;
};
type SeccompArgument = { index: number; value: number; valueTwo: number; op: string };

/** What no build needs and what holes of the kernel were reached by, although a default profile allows some of it. Each answers EPERM. */
const refused = [
  // Namespaces and mounts: with a user namespace of its own, a process has every capability in it.
  ["unshare", "setns", "pivot_root", "chroot"],
  ["mount", "mount_setattr", "move_mount", "umount", "umount2", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick"],
  // Keyrings are not namespaced.
  ["add_key", "keyctl", "request_key"],
  // Programs in the kernel, and the ways to watch it.
  ["bpf", "perf_event_open", "userfaultfd", "fanotify_init", "fanotify_mark", "lookup_dcookie", "syslog", "acct"],
  // Other processes' memory and files.
  ["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise"],
  // Files by handle lead out of a mount.
  ["name_to_handle_at", "open_by_handle_at"],
  // The machine itself.
  [
    "reboot",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "query_module",
    "swapon",
    "swapoff",
  ],
  ["quotactl", "sethostname", "setdomainname", "settimeofday", "stime", "clock_settime", "clock_settime64", "adjtimex"],
  ["ioperm", "iopl", "modify_ldt", "vhangup", "vmsplice", "move_pages", "migrate_pages"],
].flat();

/** These answer ENOSYS, the word for which programs fall back to the older call: clone3's flags lie in memory, where no filter can look. */
const absent = ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"] as const;

/** Those that are allowed for some arguments only. socketcall and ipc hide theirs, and serve 32-bit programs alone. */
const conditional = ["clone", "socket", "mknod", "mknodat", "socketcall"] as const;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET: 0x7e020000. */
const namespaceFlags = 2_114_060_288;
const fileKind = 0o170000;
const plainKinds = { none: 0, fifo: 0o010000, file: 0o100000, socket: 0o140000 } as const;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others reach what no network namespace holds back: vsock, the hypervisor. */
const socketFamilies = [1, 2, 10, 16] as const;

/**
 * Makes a stricter profile of Podman's default. What only a capability allows goes, since a build has none; of the holder's NET_ADMIN no
 * call depends. 32-bit programs go: their system calls are a second door to the same kernel.
 */
export function tightenSeccomp(base: SeccompProfile): SeccompProfile {
  const ruled = new Set<string>([...refused, ...absent, ...conditional]);
  const syscalls = base.syscalls
    .filter((rule) => rule.action === "SCMP_ACT_ALLOW" && (rule.includes?.caps ?? []).length === 0)
    .map((rule) => ({ ...rule, names: rule.names.filter((name) => !ruled.has(name)) }))
    .filter((rule) => rule.names.length > 0);
  return {
    ...base,
    archMap: [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: [] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: [] },
    ],
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    defaultErrno: "ENOSYS",
    syscalls: [
      ...syscalls,
      allow(["clone"], { index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
      ...socketFamilies.map((family) => allow(["socket"], { index: 0, value: family, valueTwo: 0, op: "SCMP_CMP_EQ" })),
      ...Object.values(plainKinds).flatMap((kind) => [
        allow(["mknod"], { index: 1, value: fileKind, valueTwo: kind, op: "SCMP_CMP_MASKED_EQ" }),
        allow(["mknodat"], { index: 2, value: fileKind, valueTwo: kind, op: "SCMP_CMP_MASKED_EQ" }),
      ]),
      { names: [...refused], action: "SCMP_ACT_ERRNO", args: [], includes: {}, excludes: {}, errnoRet: 1, errno: "EPERM" },
      { names: [...absent], action: "SCMP_ACT_ERRNO", args: [], includes: {}, excludes: {}, errnoRet: 38, errno: "ENOSYS" },
    ],
  };
}

function allow(names: string[], argument: SeccompArgument): SeccompRule {
  return { names, action: "SCMP_ACT_ALLOW", args: [argument], includes: {}, excludes: {} };
}
