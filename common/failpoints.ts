/** The places where a test may end, delay or fail a daemon. Each is hit by a test that arms it: test/faults/meta-failpoints.test.ts. */
export const failpoints = [
  // The signature is proven, the delivery not yet committed.
  "webhook.before-commit",
  // The delivery is committed, GitHub has no answer yet.
  "webhook.after-commit",
  // The deployment is queued and committed, its dispatch not begun.
  "dispatch.before-build",
  // The worker accepted the Build, Central has not stored that.
  "dispatch.after-build",
] as const;

export type Failpoint = (typeof failpoints)[number];
