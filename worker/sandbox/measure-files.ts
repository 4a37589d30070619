import type Dockerode from "dockerode";
import { execInside } from "./exec-inside.ts";

/** What the files of a build take, names counted as inodes are. */
export type FileUse = { bytes: number; names: number; maxNames: number; /** Of what it may be, 1 when full. */ share: number };

/**
 * The use of the fuller of the build's two volumes; undefined where it cannot be told. Asked in the holder: the build's container is gone,
 * and its /tmp with it.
 */
export async function measureFiles(holder: Dockerode.Container): Promise<FileUse | undefined> {
  try {
    const command = ["stat", "--file-system", "--format=%S %b %f %c %d", "/build", "/nix"];
    return parseFileUse(await execInside(holder, command, 1000));
  } catch {
    return undefined;
  }
}

/** Reads one line for each volume: block size, blocks, free blocks, inodes, free inodes. */
export function parseFileUse(text: string): FileUse | undefined {
  return text
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number))
    .filter((numbers) => numbers.length === 5 && numbers.every((number) => Number.isFinite(number)))
    .map(([size = 0, blocks = 0, free = 0, maxNames = 0, freeNames = 0]) => {
      const share = Math.max(1 - free / Math.max(blocks, 1), 1 - freeNames / Math.max(maxNames, 1));
      return { bytes: size * (blocks - free), names: maxNames - freeNames, maxNames, share };
    })
    .toSorted((a, b) => b.share - a.share)
    .at(0);
}
