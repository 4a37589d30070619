import { array, assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { createDemultiplexer } from "#worker/sandbox/demultiplex.ts";

function frame(stream: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

test("both outputs come apart without a byte lost, wherever the chunks break", () => {
  const frames = [frame(1, "one "), frame(2, "error"), frame(1, ""), frame(1, "two")];
  assert(
    property(array(integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const seen = { stdout: "", stderr: "" };
      const write = createDemultiplexer((name, chunk) => (seen[name] += chunk.toString()));
      const bytes = Buffer.concat(frames);
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        write(bytes.subarray(at, at + size));
        at += size;
      }
      expect(seen).toEqual({ stdout: "one two", stderr: "error" });
    }),
  );
});
