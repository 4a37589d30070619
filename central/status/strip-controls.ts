// C0 but tab, DEL, C1; direction marks and overrides, zero-width characters, line separators; lone surrogates.
// oxlint-disable-next-line no-control-regex -- they are what is removed
const unwanted = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu;

/** A line of text from a worker or a repository without what could steer a terminal, hide text or turn its direction. */
export function stripControls(text: string): string {
  return text.replace(unwanted, "");
}
