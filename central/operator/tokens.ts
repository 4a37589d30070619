/** Bearer tokens of operators and services: 256 random bits, stored as a hash, named, revocable. */
export { createToken, TokenNameTakenError, TokenValueError } from "./create-token.ts";
export { findToken } from "./find-token.ts";
export { selectTokens as listTokens, type TokenRow } from "./sql/select-tokens.ts";
export { revokeToken } from "./revoke-token.ts";
