import { expect, test } from "vitest";
import { judgeDisk } from "#worker/disk/judge-disk.ts";
import { parseWatermark } from "#worker/disk/parse-watermark.ts";

const disk = { freeBytes: 50 * 2 ** 30, totalBytes: 100 * 2 ** 30, freeInodes: 500, totalInodes: 1_000 };

test("A watermark is bytes or a share of the file system", () => {
  expect(parseWatermark("2g")).toEqual({ bytes: 2 * 2 ** 30 });
  expect(parseWatermark("10%")).toEqual({ share: 0.1 });
  for (const wrong of ["100%", "-1%", "ten", "", "1e9%"]) expect(() => parseWatermark(wrong)).toThrow("such as 10%");
});

test("What is short is named with its figures and without a path, bytes before names", () => {
  expect(judgeDisk(disk, parseWatermark("2g"))).toEqual({ roomy: true });
  expect(judgeDisk({ ...disk, freeBytes: 2 ** 30 }, parseWatermark("2g"))).toEqual({
    roomy: false,
    shortOf: "1024 MiB of 102400 MiB are free, less than the 2048 MiB of DISK_LOW_WATERMARK",
  });
  expect(judgeDisk({ ...disk, freeBytes: 9 * 2 ** 30 }, parseWatermark("10%")).shortOf).toContain("DISK_LOW_WATERMARK");
  expect(judgeDisk({ ...disk, freeInodes: 19 }, parseWatermark("2g")).shortOf).toContain("19 of 1000 inodes");
  expect(judgeDisk({ ...disk, freeInodes: 99 }, parseWatermark("10%")).shortOf).toContain("99 of 1000 inodes");
});

test("Room is more than not short, so that making it does not begin anew with the next build", () => {
  expect(judgeDisk({ ...disk, freeBytes: 10.5 * 2 ** 30 }, parseWatermark("10%"))).toEqual({ roomy: false });
  expect(judgeDisk({ ...disk, freeInodes: 105 }, parseWatermark("10%"))).toEqual({ roomy: false });
});

test("A file system that has no fixed number of names is never short of them", () => {
  expect(judgeDisk({ ...disk, freeInodes: 0, totalInodes: 0 }, parseWatermark("10%"))).toEqual({ roomy: true });
});
