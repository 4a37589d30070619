import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import path from "node:path";
import { issueCa, issueServerCertificate, type Issued } from "./issue.ts";

export type CertificateFiles = { caFile: string; certFile: string; keyFile: string };

const renewBeforeMs = 30 * 24 * 60 * 60 * 1000;

/**
 * A development CA and a server certificate for these host names and addresses. Both are used again as long as they are valid for 30
 * days more; the CA outlives its leaves, so that whoever trusts it need not do so again each year. Keys are readable by the owner alone.
 */
export async function createCertificates(o: { directory: string; hosts: string[]; now?: Date }): Promise<CertificateFiles> {
  const now = o.now ?? new Date();
  await mkdir(o.directory, { recursive: true, mode: 0o700 });
  const file = (name: string): string => path.join(o.directory, name);

  let ca = await readIssued(file("ca.pem"), file("ca-key.pem"));
  if (!ca || !isValid(ca.certificate, now)) {
    ca = await issueCa(now);
    await writeIssued(ca, file("ca.pem"), file("ca-key.pem"));
  }
  const leaf = await readIssued(file("server.pem"), file("server-key.pem"));
  if (
    !leaf ||
    !isValid(leaf.certificate, now) ||
    !isFor(leaf.certificate, o.hosts) ||
    !isFrom(leaf.certificate, ca.certificate)
  ) {
    await writeIssued(await issueServerCertificate(ca, o.hosts, now), file("server.pem"), file("server-key.pem"));
  }
  return { caFile: file("ca.pem"), certFile: file("server.pem"), keyFile: file("server-key.pem") };
}

function isValid(pem: string, now: Date): boolean {
  const certificate = new X509Certificate(pem);
  return certificate.validFromDate <= now && certificate.validToDate.getTime() - now.getTime() > renewBeforeMs;
}

function isFor(pem: string, hosts: string[]): boolean {
  const certificate = new X509Certificate(pem);
  return hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined);
}

function isFrom(pem: string, ca: string): boolean {
  return new X509Certificate(pem).verify(new X509Certificate(ca).publicKey);
}

/** A file that is missing, or that does not hold what it should, counts as not issued yet. */
async function readIssued(certificateFile: string, keyFile: string): Promise<Issued | undefined> {
  try {
    const [certificate, key] = await Promise.all([readFile(certificateFile, "utf8"), readFile(keyFile, "utf8")]);
    return new X509Certificate(certificate).publicKey && key.includes("PRIVATE KEY") ? { certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

/** The key first: a certificate without its key would be used again and fail. */
async function writeIssued(issued: Issued, certificateFile: string, keyFile: string): Promise<void> {
  await writeWhole(keyFile, issued.key, 0o600);
  await writeWhole(certificateFile, issued.certificate, 0o644);
}

async function writeWhole(file: string, content: string, mode: number): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, content, { mode });
  await rename(unfinished, file);
}
