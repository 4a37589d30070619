import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { listOwnAddresses } from "./choose-subnet.ts";

/**
 * Every IPv4 address that this machine answers to, as its kernel's routes say: also those of links without a carrier and those beside
 * 127.0.0.1 on the loopback, which the list of interfaces leaves out.
 */
export async function readOwnAddresses(): Promise<string[]> {
  const routes = await readFile("/proc/net/fib_trie", "latin1").catch(() => "");
  return [...new Set([...parseLocalRoutes(routes), ...listOwnAddresses(networkInterfaces())])].toSorted();
}

/** The addresses that stand as `/32 host LOCAL` in the kernel's table of routes. */
export function parseLocalRoutes(text: string): string[] {
  const found = new Set<string>();
  let address = "";
  for (const line of text.split("\n")) {
    address = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line)?.[1] ?? address;
    if (line.endsWith("/32 host LOCAL") && !address.startsWith("127.")) found.add(address);
  }
  return [...found];
}
