import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fromJsonString, type DescMessage, type Message } from "@bufbuild/protobuf";
import { openSecret } from "#central/database/seal.ts";
import { selectSigningKey } from "#central/dispatch/sql/select-signing-key.ts";
import { readConfig } from "#common/config/read-config.ts";
import { errorMessage } from "#common/error-details.ts";
import { digestMessage } from "#common/rpc/digest-message.ts";
import type { SigningKey } from "#common/rpc/keys.ts";
import { methodPath, signCall } from "#common/rpc/sign.ts";
import { centralSignatureHeader, workerSignatureHeader } from "#common/rpc/signature-header.ts";
import { CommandError, UsageError } from "../errors.ts";
import { withDatabase } from "../with-database.ts";
import { findSignedMethod } from "./find-signed-method.ts";
import { centralKeyVariables, workerKeyVariables } from "./sign-config.ts";

/** The header that signs one call. */
export async function signByHand(o: { method: string; worker: string; data: string }): Promise<{ name: string; value: string }> {
  const { method, signer } = findSignedMethod(o.method);
  const digest = digestMessage(method.input, parseRequest(method.input, await readData(o.data)));
  const call = { method: methodPath(method), digest, now: new Date() };
  if (signer === "worker") {
    const key = readWorkerKey(o.worker);
    return { name: workerSignatureHeader, value: signCall({ ...call, recipient: "central", key }) };
  }
  const key = await findCentralKey(o.worker);
  return { name: centralSignatureHeader, value: signCall({ ...call, recipient: o.worker, key }) };
}

async function readData(data: string): Promise<string> {
  if (!data.startsWith("@")) return data;
  const file = data.slice(1);
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`--data: ${errorMessage(error)}`, { cause: error });
  }
}

function parseRequest(schema: DescMessage, json: string): Message {
  try {
    return fromJsonString(schema, json);
  } catch (error) {
    throw new UsageError(`--data: is no ${schema.typeName}: ${errorMessage(error)}`, { cause: error });
  }
}

function readWorkerKey(worker: string): SigningKey {
  const { key } = readConfig(process.env, workerKeyVariables);
  if (key.worker !== worker)
    throw new UsageError(`--worker: the keys in WORKER_KEY are of the worker ${key.worker}, not of ${worker}`);
  return key.sign;
}

async function findCentralKey(worker: string): Promise<SigningKey> {
  const { databaseUrl, secretKey } = readConfig(process.env, centralKeyVariables);
  const found = await withDatabase(databaseUrl, async (pool) => selectSigningKey(pool, worker));
  if (found === undefined)
    throw new CommandError(`there is no worker ${worker} with a key; \`catapult workers list\` shows them`);
  return { kid: found.kid, key: openSecret(secretKey, found.sealed) };
}
