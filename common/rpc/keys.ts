import { randomBytes } from "node:crypto";

/** A key with the name it is known by. A kid names one worker and one direction; `key` is 32 random bytes. */
export type SigningKey = { kid: string; key: Buffer };

/** What a worker holds: its id, the key it signs with, and the keys by which it verifies Central (several while rotating). */
export type WorkerKeyFile = { worker: string; sign: SigningKey; verify: SigningKey[] };

export const keyBytes = 32;
const kidForm = /^[a-z0-9-]{1,32}$/;
const workerForm = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

export function createSigningKey(kid: string): SigningKey {
  if (!kidForm.test(kid)) throw new Error(`a key id has 1 to 32 of a-z, 0-9 and -, unlike ${JSON.stringify(kid)}`);
  return { kid, key: randomBytes(keyBytes) };
}

/** Reads `{"worker":…,"sign":{"kid":…,"key":<base64url>},"verify":[{"kid":…,"key":…}]}`. Errors name the place and never quote a key. */
export function parseWorkerKeyFile(json: string): WorkerKeyFile {
  const file = asObject(parseJson(json), "the worker key file", ["worker", "sign", "verify"]);
  if (typeof file.worker !== "string" || !workerForm.test(file.worker)) throw malformed("worker is not a worker's id");
  if (!Array.isArray(file.verify) || file.verify.length === 0) throw malformed("verify is not a list of at least one key");
  const verify = file.verify.map((key, index) => parseKey(key, `verify[${index}]`));
  if (new Set(verify.map(({ kid }) => kid)).size !== verify.length) throw malformed("verify names a kid twice");
  return { worker: file.worker, sign: parseKey(file.sign, "sign"), verify };
}

export function formatWorkerKeyFile(file: WorkerKeyFile): string {
  return JSON.stringify({ worker: file.worker, sign: formatKey(file.sign), verify: file.verify.map(formatKey) });
}

function formatKey({ kid, key }: SigningKey): { kid: string; key: string } {
  return { kid, key: key.toString("base64url") };
}

function parseKey(value: unknown, place: string): SigningKey {
  const { kid, key } = asObject(value, place, ["kid", "key"]);
  if (typeof kid !== "string" || !kidForm.test(kid)) throw malformed(`${place}.kid is not 1 to 32 of a-z, 0-9 and -`);
  const bytes = typeof key === "string" ? Buffer.from(key, "base64url") : Buffer.alloc(0);
  // Node skips what is not base64: only a text that comes out again is one.
  if (bytes.length !== keyBytes || bytes.toString("base64url") !== key) {
    throw malformed(`${place}.key is not ${keyBytes} bytes in base64url`);
  }
  return { kid, key: bytes };
}

function asObject(value: unknown, place: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(`${place} is not an object`);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw malformed(`${place} has an unknown member`);
  return Object.fromEntries(Object.entries(value));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's message quotes the text, which holds keys.
    throw malformed("it is not JSON");
  }
}

function malformed(problem: string): Error {
  return new Error(`a worker key file is malformed: ${problem}; take it again from \`catapult workers add\``);
}
