/** Told anew here, not taken from the rules: a range that the rules lose must not be lost to the proof as well. */
export const provenRanges = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
] as const;

/** In no container but the canary's own: the ends of its link, one address that must answer, and one that must answer no DNS. */
export const linkAddresses = { probe: "198.51.100.1", listener: "198.51.100.2", open: "198.51.100.10", dns: "198.51.100.53" };

/** Unique local, the metadata service, NAT64 into 10/8, and an ordinary one. */
export const addresses6 = ["fd00:cafe::10", "fd00:ec2::254", "64:ff9b::a00:1", "2001:db8::10"] as const;

/** The only ones in use: below lies multicast, which no TCP reaches. */
const overrides: Readonly<Record<string, readonly string[]>> = {
  "169.254.0.0/16": ["169.254.0.1", "169.254.169.254", "169.254.255.254"],
  "224.0.0.0/3": ["240.0.0.1", "255.255.255.254"],
};

/** What stands in for multicast: it is sent to by UDP alone. */
export const multicastAddress = "224.0.0.251";

/** Addresses near both ends of each range, so that a wrong mask shows, and none of `avoid`: resolvers and hosts that are really there. */
export function chooseAddresses(avoid: ReadonlySet<string>): { range: string; address: string }[] {
  return provenRanges.flatMap((range) => {
    const [base = "", prefix = ""] = range.split("/");
    const first = toNumber(base);
    const last = first + 2 ** (32 - Number(prefix)) - 1;
    const fixed = overrides[range];
    const numbers = fixed?.map(toNumber) ?? [first + 1, last - 1];
    return numbers.map((number) => {
      let chosen = number;
      const step = number - first < last - number ? 1 : -1;
      while (avoid.has(toAddress(chosen))) chosen += step;
      return { range, address: toAddress(chosen) };
    });
  });
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}
