import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;

/** How much longer a sealed secret is than the secret. */
export const sealOverhead = nonceBytes + tagBytes;

export class SealError extends Error {
  override name = "SealError";
}

// AES-256-GCM under CENTRAL_SECRET_KEY: 12 bytes of nonce, the ciphertext, 16 bytes of tag.
export function sealSecret(secretKey: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", secretKey, nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

export function openSecret(secretKey: Buffer, sealed: Buffer): Buffer {
  if (sealed.length < nonceBytes + tagBytes)
    throw new SealError(`opening a sealed secret: ${sealed.length} bytes are too few to be one`);
  const decipher = createDecipheriv("aes-256-gcm", secretKey, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new SealError("opening a sealed secret: the key does not fit; is CENTRAL_SECRET_KEY the one that it was stored with?", {
      cause,
    });
  }
}
