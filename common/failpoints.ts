/** The places where a test may end, delay or fail a daemon. Each is hit by a test that arms it: test/faults/meta.test.ts. */
export const failpoints = [
  // The signature is proven, the delivery not yet committed.
  "webhook.before-commit",
  // The delivery is committed, GitHub has no answer yet.
  "webhook.after-commit",
  // The deployment is queued and committed, its dispatch not begun.
  "dispatch.before-build",
  // The worker accepted the Build, Central has not stored that.
  "dispatch.after-build",
  // The worker has stored a generation, and neither begun its work nor answered.
  "accept.after-store",
  // A release is copied and synced under its temporary name.
  "publish.before-rename",
  // A release is whole under its own name, and nothing leads to it.
  "publish.after-rename",
  // The release is about to be made live: the fence is not asked yet.
  "publish.before-fence",
  // What is to be live is stored, the link leads to the release before.
  "publish.after-fence",
  // The link leads to the new release.
  "publish.after-switch",
  // A host that is new to Caddy has its link and no route.
  "route.before",
  // How a deployment ended is stored, Central has not been told.
  "report.before-final",
  // Central took the end of a deployment, the worker has not stored that.
  "report.after-final",
  // A site's route and link are gone, its files are there.
  "remove.before-files",
  // A site's files are gone, the worker's state says that it is being removed.
  "remove.before-store",
  // GitHub was asked how things stand for a delivery, nothing is decided by that yet.
  "intake.after-look",
  // A delivery's effects are committed, what they queued has not begun.
  "intake.after-settle",
  // GitHub made a comment, Central has not stored that.
  "comment.after-post",
] as const;

export type Failpoint = (typeof failpoints)[number];
