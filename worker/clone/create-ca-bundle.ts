import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#common/error-details.ts";

const systemBundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/** git takes one file of certificates in place of the system's: this one holds both, so that CA_FILE adds to the trust. */
export async function createCaBundle(stateDir: string, caFile: string): Promise<string> {
  const parts = [await readFile(caFile, "utf8")];
  for (const bundle of systemBundles) {
    try {
      parts.push(await readFile(bundle, "utf8"));
      break;
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
  const file = join(stateDir, "git-certificates.pem");
  await writeFile(file, parts.join("\n"));
  return file;
}
