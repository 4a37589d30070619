// C0 but tab, DEL, C1; direction marks and overrides, zero-width characters and tags, line separators; lone surrogates.
const unwanted =
  // oxlint-disable-next-line no-control-regex -- they are what is removed
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** A line of text from a worker or a repository without what could steer a terminal, hide text or turn its direction. */
export function stripControls(text: string): string {
  return text.replace(unwanted, "");
}
