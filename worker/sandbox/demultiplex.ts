export type OutputName = "stdout" | "stderr";

const headerBytes = 8;

/** Takes apart the frames in which Podman sends both outputs over one connection: stream, three zero bytes, length, bytes. */
export function createDemultiplexer(onChunk: (name: OutputName, chunk: Buffer) => void): (data: Buffer) => void {
  let header = Buffer.alloc(0);
  let left = 0;
  let name: OutputName = "stdout";
  return (data) => {
    let at = 0;
    while (at < data.length) {
      if (left === 0) {
        const needed = headerBytes - header.length;
        header = Buffer.concat([header, data.subarray(at, at + needed)]);
        at += needed;
        if (header.length < headerBytes) return;
        name = header[0] === 2 ? "stderr" : "stdout";
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const chunk = data.subarray(at, at + left);
      at += chunk.length;
      left -= chunk.length;
      onChunk(name, chunk);
    }
  };
}
