import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { findBuildNetwork, parseResolvers } from "#local/up/build-network.ts";

test("Resolvers on loopback and by IPv6 are left out, whatever else the file holds.", () => {
  const text =
    "# nameserver 1.2.3.4\nsearch example.test\nnameserver 127.0.0.53\nnameserver\t192.0.2.1 \nnameserver fe80::1\n nameserver 198.51.100.7\n";
  expect(parseResolvers(text)).toEqual(["192.0.2.1", "198.51.100.7"]);
});

test("Where the first file names only a stub on loopback, the second file's resolvers are used.", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "catapult-dns-"));
  const [stub, real] = [path.join(folder, "stub"), path.join(folder, "real")];
  await writeFile(stub, "nameserver 127.0.0.53\n");
  await writeFile(real, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
  expect(await findBuildNetwork({}, [stub, real])).toEqual({ BUILD_DNS: "192.0.2.1,192.0.2.2" });
  expect(await findBuildNetwork({}, [stub, path.join(folder, "none")])).toEqual({});
  await rm(folder, { recursive: true });
});

test("What the user set wins over what the machine says.", async () => {
  const env = { BUILD_DNS: "192.0.2.9", BUILD_CA_FILE: "/own.pem", SSL_CERT_FILE: "/machine.pem" };
  expect(await findBuildNetwork(env, [])).toEqual({ BUILD_DNS: "192.0.2.9", BUILD_CA_FILE: "/own.pem" });
  expect(await findBuildNetwork({ NODE_EXTRA_CA_CERTS: "/extra.pem" }, [])).toEqual({ BUILD_CA_FILE: "/extra.pem" });
});
