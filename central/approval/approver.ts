/** A login whose permission GitHub confirmed, or a write token's name. */
export type Approver = { kind: "github" | "token"; name: string };
