import { Duplex, Readable } from "node:stream";

/** dockerode's types promise less than what it gives: the response itself, or after an upgrade the socket. */
export function expectReadable(stream: unknown): Readable {
  if (stream instanceof Readable) return stream;
  throw new TypeError("Podman's client gave no readable stream");
}

export function expectDuplex(stream: unknown): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new TypeError("Podman's client gave no stream of both directions");
}
