import { isIPv4 } from "node:net";

const protocols = ["tcp", "udp", "icmp"] as const;
type Protocol = (typeof protocols)[number];

/** nft gives names only where /etc/protocols is, which the builder image need not have. */
const numbers: Readonly<Record<string, Protocol>> = { 1: "icmp", 6: "tcp", 17: "udp" };

/** What a build sent to one destination, with the packets' IP headers. */
export type Egress = { address: string; port: number; protocol: Protocol; bytes: bigint };

/** How many destinations are told; the rest goes into one line for each protocol. */
export const egressLimit = 200;

/** Stands for every destination that is not told by itself. No packet of a build goes to 0.0.0.0. */
export const otherAddress = "0.0.0.0";

/** Makes a summary of nft's JSON listing of the holder's table: the most bytes first. */
export function parseEgress(json: string): Egress[] {
  const entries = listOf(read(JSON.parse(json), "nftables"));
  const counted = entries
    .flatMap((entry) => listOf(read(entry, "set", "elem")))
    .flatMap((element) => readElement(element))
    .toSorted(byBytes);
  const totals = new Map<string, bigint>(
    entries.flatMap((entry) => {
      const name = read(entry, "counter", "name");
      return typeof name === "string" ? [[name.replace(/_total$/, ""), toBytes(read(entry, "counter", "bytes"))] as const] : [];
    }),
  );
  const told = counted.slice(0, egressLimit - protocols.length);
  const others = protocols.flatMap((protocol) => {
    const sum = told.reduce((bytes, each) => (each.protocol === protocol ? bytes + each.bytes : bytes), 0n);
    const bytes = (totals.get(protocol) ?? 0n) - sum;
    return bytes > 0n ? [{ address: otherAddress, port: 0, protocol, bytes }] : [];
  });
  return [...told, ...others].toSorted(byBytes);
}

function byBytes(a: Egress, b: Egress): number {
  return a.bytes === b.bytes ? 0 : a.bytes > b.bytes ? -1 : 1;
}

/** `{"elem":{"val":{"concat":["203.0.113.1","tcp",443]},"counter":{"packets":9,"bytes":1234}}}` */
function readElement(element: unknown): Egress[] {
  const [address, name, port] = listOf(read(element, "elem", "val", "concat"));
  const protocol = protocols.find((each) => each === name) ?? numbers[String(name)];
  if (typeof address !== "string" || !isIPv4(address) || protocol === undefined || typeof port !== "number") return [];
  return [{ address, port, protocol, bytes: toBytes(read(element, "elem", "counter", "bytes")) }];
}

function toBytes(value: unknown): bigint {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : 0n;
}

function read(value: unknown, ...names: string[]): unknown {
  for (const name of names) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
