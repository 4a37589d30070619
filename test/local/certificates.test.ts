import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCertificates } from "#local/certificates/create-certificates.ts";

let directory: string;
const hosts = ["localhost", "127.0.0.1", "::1"];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "catapult-certificates-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** The answer of a server with these files to a client that trusts only this CA. */
async function visit(files: { certFile: string; keyFile: string }, ca: string, servername: string): Promise<string> {
  const server = createServer({ cert: await readFile(files.certFile), key: await readFile(files.keyFile) }, (_, response) =>
    response.end("hello"),
  );
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  try {
    return await new Promise<string>((resolve, reject) => {
      const request = get({ host: "127.0.0.1", port, ca, servername, agent: false }, (response) => {
        response.setEncoding("utf8").on("data", resolve);
      });
      request.on("error", reject);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("A client that trusts the CA reaches the server by each of its names, and by no other.", async () => {
  const files = await createCertificates({ directory, hosts });
  const ca = await readFile(files.caFile, "utf8");
  expect(await visit(files, ca, "localhost")).toBe("hello");
  expect(await visit(files, ca, "")).toBe("hello");
  await expect(visit(files, ca, "elsewhere.test")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("A client that trusts another CA of the same name refuses the server.", async () => {
  const files = await createCertificates({ directory, hosts });
  const other = await createCertificates({ directory: path.join(directory, "other"), hosts });
  await expect(visit(files, await readFile(other.caFile, "utf8"), "localhost")).rejects.toThrow(/certificate/);
});

test("Valid files are used again; a new host renews the leaf, and the CA stays.", async () => {
  const files = await createCertificates({ directory, hosts });
  const read = async (): Promise<string[]> =>
    Promise.all([files.caFile, files.certFile].map(async (file) => readFile(file, "utf8")));
  const first = await read();
  await createCertificates({ directory, hosts: ["localhost"] });
  expect(await read()).toEqual(first);
  await createCertificates({ directory, hosts: [...hosts, "catapult.test"] });
  const renewed = await read();
  expect(renewed[0]).toBe(first[0]);
  expect(renewed[1]).not.toBe(first[1]);
});

test("A leaf with less than 30 days left is renewed under the same CA, and a CA too when its time is near.", async () => {
  const files = await createCertificates({ directory, hosts, now: new Date("2026-01-01") });
  const before = { ca: await readFile(files.caFile, "utf8"), leaf: await readFile(files.certFile, "utf8") };
  await createCertificates({ directory, hosts, now: new Date("2027-01-15") });
  const renewed = { ca: await readFile(files.caFile, "utf8"), leaf: await readFile(files.certFile, "utf8") };
  expect(renewed.ca).toBe(before.ca);
  expect(renewed.leaf).not.toBe(before.leaf);
  await createCertificates({ directory, hosts, now: new Date("2035-12-20") });
  expect(await readFile(files.caFile, "utf8")).not.toBe(before.ca);
});

test("Only the owner can read the private keys.", async () => {
  const files = await createCertificates({ directory, hosts });
  for (const file of [files.keyFile, path.join(directory, "ca-key.pem")]) expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("A damaged file is replaced.", async () => {
  const files = await createCertificates({ directory, hosts });
  await writeFile(files.certFile, "-----BEGIN CERTIFICATE-----\nbroken");
  await createCertificates({ directory, hosts });
  expect(await visit(files, await readFile(files.caFile, "utf8"), "localhost")).toBe("hello");
});

test("A leaf of a CA that is gone is replaced by one of the new CA.", async () => {
  const files = await createCertificates({ directory, hosts });
  await rm(files.caFile);
  await createCertificates({ directory, hosts });
  expect(await visit(files, await readFile(files.caFile, "utf8"), "localhost")).toBe("hello");
});
