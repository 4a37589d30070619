import { createPublicKey, verify } from "node:crypto";
import { HttpError } from "../http/errors.ts";

const maxLifetimeSeconds = 600;
// GitHub allows its own clock's small error; more than this ahead is refused.
const clockErrorSeconds = 60;

/** Verifies an App's JSON web token as GitHub does: RS256, this App, issued in the past, over in at most ten minutes. */
export function verifyAppJwt(jwt: string, app: { id: number; publicKey: string }, now: Date): void {
  const parts = jwt.split(".");
  const [header, claims] = [decodePart(parts[0]), decodePart(parts[1])];
  const signature = Buffer.from(parts[2] ?? "", "base64url");
  if (parts.length !== 3 || header?.["alg"] !== "RS256" || claims === undefined) throw undecodable();
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
  if (!verify("RSA-SHA256", signed, createPublicKey(app.publicKey), signature)) throw undecodable();

  if (String(claims["iss"]) !== String(app.id)) throw new HttpError(404, "Integration not found");
  const seconds = now.getTime() / 1000;
  const { iat, exp } = claims;
  if (typeof iat !== "number" || !Number.isInteger(iat) || iat > seconds + clockErrorSeconds)
    throw new HttpError(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  if (typeof exp !== "number" || exp <= seconds)
    throw new HttpError(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp > seconds + maxLifetimeSeconds + clockErrorSeconds || exp - iat > maxLifetimeSeconds + clockErrorSeconds)
    throw new HttpError(401, "'Expiration time' claim ('exp') is too far in the future");
}

const undecodable = () => new HttpError(401, "A JSON web token could not be decoded");

function decodePart(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString());
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
