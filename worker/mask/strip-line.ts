const unseen =
  // oxlint-disable-next-line no-control-regex -- they are what is removed
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** A text without what logs are stripped of, so that a secret is found in what is left of a line. */
export function stripLine(text: string): string {
  return text.replace(unseen, "").toWellFormed();
}
