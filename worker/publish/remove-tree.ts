import { spawn } from "node:child_process";

/** Deletes a folder with all in it, however deep: `rm` walks by file descriptor, where fs.rm ends in ENAMETOOLONG. Absent is fine. */
export function removeTree(path: string): Promise<void> {
  return new Promise((settle, refuse) => {
    const child = spawn("rm", ["-rf", "--one-file-system", "--", path], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1_000)));
    child.once("error", refuse);
    child.once("close", (code) =>
      code === 0 ? settle() : refuse(new Error(`rm -rf ${path} ended with ${code}: ${said.trim()}`)),
    );
  });
}
