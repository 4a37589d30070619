import { generateKeyPairSync, randomBytes, createPublicKey } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";

/** What this state folder's file of that name holds; made the first time. Readable by the owner alone. */
export async function keepSecret(
  stateDir: string,
  name: string,
  create: () => string | Promise<string>,
): Promise<{ file: string; value: string }> {
  const file = path.join(stateDir, name);
  const known = await readFile(file, "utf8").catch(() => "");
  if (known !== "") return { file, value: known.trimEnd() };
  const value = await create();
  await replaceSecret(file, value);
  return { file, value };
}

/** Writes the whole secret or nothing. */
export async function replaceSecret(file: string, value: string): Promise<void> {
  await writeFile(`${file}.new`, value, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** 32 random bytes, base64url. */
export function createRandomKey(): string {
  return randomBytes(32).toString("base64url");
}

/** A private key such as GitHub gives an App: RSA, PKCS #1, PEM. */
export function createAppKey(): string {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  }).privateKey;
}

/** The public half of an App's key, PEM. */
export function derivePublicKey(privateKey: string): string {
  return createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
}
