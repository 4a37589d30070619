/** On every container, network and volume of a sandbox; its value is the networkName of whoever made it. */
export const sandboxLabel = "catapult.sandbox";

/** Which of the two containers it is. */
export const roleLabel = "catapult.role";

export type Role = "holder" | "build";

/** Marks what belongs to a run of the canary. */
export const canaryLabel = "catapult.canary";
