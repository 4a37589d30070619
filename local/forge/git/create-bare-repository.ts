import { appendFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { runGit } from "./run-git.ts";

const settings: readonly (readonly [string, string])[] = [
  ["uploadpack.allowAnySHA1InWant", "true"], // as at GitHub: a commit can be fetched by its SHA, even after a force push
  ["uploadpack.allowFilter", "true"],
  ["http.receivepack", "true"], // who may push is decided before git is started
  ["receive.hideRefs", "refs/pull"], // only the forge writes those
  ["receive.autogc", "false"],
  ["gc.auto", "0"],
  ["receive.advertisePushOptions", "false"],
];

export async function createBareRepository(folder: string, defaultBranch: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runGit(folder, ["init", "--quiet", "--bare", "--template=", `--initial-branch=${defaultBranch}`]);
  const lines = settings.map(([name, value]) => `[${name.split(".")[0]}] ${name.split(".")[1]} = ${value}\n`);
  await appendFile(path.join(folder, "config"), lines.join(""));
}
