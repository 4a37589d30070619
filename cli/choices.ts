// The values of the contract's enums that may be typed. They stand here in full because to load the contract takes longer than most commands;
// a test holds them to it.
export const siteTypes = ["auto", "sveltekit", "vite", "zola", "static", "custom"];
export const forks = ["off", "approve", "on"];
export const siteKinds = ["preview", "production"];
export const siteStates = ["wanted", "removing", "removed", "evicted"];
export const deploymentStates = [
  "held",
  "queued",
  "dispatched",
  "cloning",
  "building",
  "publishing",
  "succeeded",
  "failed",
  "canceled",
  "superseded",
  "lost",
];
export const tokenScopes = ["read", "write"];
