import type { DiskSpace } from "#worker/disk/measure-disk.ts";
import type { Watermark } from "#worker/disk/parse-watermark.ts";

/** With a watermark in bytes: a release may hold 100,000 files, but most hold some hundreds. */
const inodeShare = 0.02;
/** Room is made for so much more than the watermark, so that the next build does not end below it at once. */
const spare = 1.1;

export type DiskVerdict = {
  /** What is short, in words that anybody may read; undefined: nothing. */
  shortOf?: string;
  /** There is so much room that nothing more need go. */
  roomy: boolean;
};

/** Whether a file system has the room that new builds need: bytes, and names where it has a fixed number of them. */
export function judgeDisk(space: DiskSpace, watermark: Watermark): DiskVerdict {
  const bytes = "bytes" in watermark ? watermark.bytes : watermark.share * space.totalBytes;
  const inodes = ("bytes" in watermark ? inodeShare : watermark.share) * space.totalInodes;
  const roomy = space.freeBytes >= bytes * spare && space.freeInodes >= inodes * spare;
  if (space.freeBytes < bytes) {
    return {
      roomy,
      shortOf: `${mebibytes(space.freeBytes)} of ${mebibytes(space.totalBytes)} are free, less than the ${mebibytes(bytes)} of DISK_LOW_WATERMARK`,
    };
  }
  if (space.freeInodes < inodes) {
    return {
      roomy,
      shortOf: `${space.freeInodes} of ${space.totalInodes} inodes are free, fewer than the ${Math.ceil(inodes)} that DISK_LOW_WATERMARK stands for`,
    };
  }
  return { roomy };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
