/** The numbers of a system call on x86-64 and on arm64; undefined: it is not there. */
type Numbers = [x64: number, arm64: number | undefined];

export type RefusedCall = { name: string; numbers: Numbers; args: (number | string)[] };

const newUser = 0x1000_0000;
const sigchld = 17;
const personalityWithoutRandomness = 0x004_0000;
const x32 = 0x4000_0000;

/**
 * What the kernel must refuse a build before it looks at the arguments. These are such that a call which is let through does nothing, or gets
 * another error than those of a refusal. Told anew here, not taken from the profile: what the profile loses must not be lost to the proof.
 */
export const refusedCalls: readonly RefusedCall[] = [
  { name: "unshare(CLONE_NEWUSER)", numbers: [272, 97], args: [newUser] },
  { name: "clone(CLONE_NEWUSER)", numbers: [56, 220], args: [newUser + sigchld, 0, 0, 0, 0] },
  { name: "clone3", numbers: [435, 435], args: [0, 0] },
  { name: "setns", numbers: [308, 268], args: [-1, 0] },
  { name: "mount", numbers: [165, 40], args: ["none", "/tmp", "tmpfs", 0, 0] },
  { name: "umount2", numbers: [166, 39], args: ["/tmp", 0] },
  { name: "open_tree", numbers: [428, 428], args: [-1, "", 0] },
  { name: "fsopen", numbers: [430, 430], args: ["", 0] },
  { name: "chroot", numbers: [161, 51], args: ["/"] },
  { name: "pivot_root", numbers: [155, 41], args: ["/", "/"] },
  { name: "keyctl", numbers: [250, 219], args: [0, -3, 0] },
  { name: "add_key", numbers: [248, 217], args: ["user", "c", "", 0x20_0000, -3] },
  { name: "request_key", numbers: [249, 218], args: ["user", "c", 0, 0] },
  { name: "bpf", numbers: [321, 280], args: [-1, 0, 0] },
  { name: "perf_event_open", numbers: [298, 241], args: [0, 0, -1, -1, 0] },
  // For faults of user space alone, which needs no right.
  { name: "userfaultfd", numbers: [323, 282], args: [1] },
  { name: "io_uring_setup", numbers: [425, 425], args: [0, 0] },
  // PTRACE_SEIZE of no process.
  { name: "ptrace", numbers: [101, 117], args: [0x4206, 0, 0, 0] },
  { name: "process_vm_readv", numbers: [310, 270], args: [0, 0, 0, 0, 0, 0] },
  { name: "pidfd_getfd", numbers: [438, 438], args: [-1, 0, 0] },
  { name: "kcmp", numbers: [312, 272], args: [0, 0, 0, 0, 0] },
  { name: "name_to_handle_at", numbers: [303, 264], args: [-1, "", 0, 0, 0] },
  { name: "personality(ADDR_NO_RANDOMIZE)", numbers: [135, 92], args: [personalityWithoutRandomness] },
  { name: "socket(AF_VSOCK)", numbers: [41, 198], args: [40, 1, 0] },
  { name: "socket(AF_ALG)", numbers: [41, 198], args: [38, 5, 0] },
  { name: "socket(AF_PACKET)", numbers: [41, 198], args: [17, 2, 0] },
  { name: "init_module", numbers: [175, 105], args: [0, 0, ""] },
  { name: "kexec_load", numbers: [246, 104], args: [0, 0, 0, 0] },
  { name: "x32 getpid", numbers: [x32 + 39, undefined], args: [] },
];

/** A 32-bit call from a 64-bit program: the second door to the same kernel, which no rule over 64-bit calls watches. */
export const compatCall = "int 0x80 getpid";

/** What must be refused on this architecture, by name. */
export function namesOfCalls(architecture: string | undefined): string[] {
  if (architecture === "arm64") return refusedCalls.filter(({ numbers }) => numbers[1] !== undefined).map(({ name }) => name);
  return [...refusedCalls.map(({ name }) => name), compatCall];
}
