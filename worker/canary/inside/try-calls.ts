// Makes the system calls that a build must be refused, each in a process of its own, and tells what the kernel said.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { request, tell } from "./tell.ts";

/**
 * Perl can make any call by its number. A process for each, since one that is let through may change the process for good; what a let-through
 * clone leaves runs into the same end.
 */
const caller = `
  for my $line (@ARGV) {
    my ($number, @words) = split / /, $line, -1;
    my @values = map { /^i(.*)/s ? int($1) : substr($_, 1) } @words;
    pipe(my $read, my $write) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";
    if ($pid == 0) {
      my $result = syscall($number, @values);
      syswrite($write, $result == -1 ? ($! + 0) . "\n" : "0\n");
      kill "KILL", $$;
    }
    close $write;
    my $said = <$read>;
    waitpid($pid, 0);
    print defined $said ? $said : "signal " . ($? & 127) . "\n";
  }`;

export function tryCalls(): void {
  const calls = request.calls.flatMap(({ name, numbers: [x64, arm64], args }) => {
    const number = process.arch === "x64" ? x64 : arm64;
    const words = args.map((value) => (typeof value === "number" ? `i${value}` : `s${value}`));
    return number === undefined ? [] : [{ name, line: [number, ...words].join(" ") }];
  });
  const perl = spawnSync("perl", ["-e", caller, ...calls.map(({ line }) => line)], { encoding: "utf8", timeout: 10_000 });
  const said = perl.stdout.split("\n");
  for (const [index, { name }] of calls.entries()) tellCall(name, said[index] ?? "");
  if (perl.status !== 0) tell({ kind: "error", during: "tryCalls", said: `perl: ${perl.stderr.slice(0, 300)}` });
  if (process.arch === "x64") tryCompat();
}

function tellCall(name: string, said: string): void {
  if (said === "") return;
  const number = Number(said);
  const outcome = Number.isNaN(number) ? said : number === 0 ? "done" : getSystemErrorName(-number);
  tell({ kind: "call", name, outcome });
}

/** getpid by int 0x80; its end is told by the exit status: 0, or the number of the error. */
const machineCode = "b814000000 cd80 31ff 85c0 7904 89c7 f7df b83c000000 0f05";

/** A 64-bit program of one segment. Filters that end a process for such a call end it by a signal. */
function tryCompat(): void {
  const code = Buffer.from(machineCode.replaceAll(" ", ""), "hex");
  const program = Buffer.alloc(120 + code.length);
  const base = 0x40_0000n;
  program.write("7f454c46020101", "hex");
  program.writeUInt16LE(2, 16);
  program.writeUInt16LE(62, 18);
  program.writeUInt32LE(1, 20);
  program.writeBigUInt64LE(base + 120n, 24);
  program.writeBigUInt64LE(64n, 32);
  program.writeUInt16LE(64, 52);
  program.writeUInt16LE(56, 54);
  program.writeUInt16LE(1, 56);
  program.writeUInt32LE(1, 64);
  program.writeUInt32LE(5, 68);
  for (const at of [80, 88]) program.writeBigUInt64LE(base, at);
  for (const at of [96, 104]) program.writeBigUInt64LE(BigInt(program.length), at);
  program.writeBigUInt64LE(0x1000n, 112);
  code.copy(program, 120);
  writeFileSync("compat", program, { mode: 0o755 });
  const { status, signal } = spawnSync("./compat", { stdio: "ignore", timeout: 5_000 });
  tellCall(request.compatCall, status === null ? (signal ?? "") : String(status));
}
