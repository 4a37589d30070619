import { stripLine } from "#worker/mask/strip-line.ts";

/** A line of a secret is looked for by itself from this length on; a shorter one is too common in other text. */
const shortestLine = 8;
const shortestForm = 6;

/**
 * The texts in which a secret shows up in a log: as it is, each of its lines, in base64 and base64url wherever it begins among other bytes,
 * in hexadecimal, and escaped for URLs and JSON. Without line ends: the masker reads over those.
 */
export function listSecretForms(secret: string): string[] {
  // Shells and tools drop white space at the ends.
  const core = secret.trim();
  const bytes = Buffer.from(core);
  const forms = [
    core,
    ...core
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .filter((line) => line.length >= shortestLine),
    ...[0, 1, 2].map((offset) => encodeAmongOthers(bytes, offset)).flatMap((form) => [form, toBase64Url(form)]),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...listUrlForms(core).flatMap((form) => [form, lowerEscapes(form)]),
    toJsonText(core),
    escapeBeyondAscii(toJsonText(core)),
  ];
  return [...new Set(forms.map(stripLine))].filter((form) => form.length >= shortestForm);
}

/** The characters of base64 that the bytes alone decide when `offset` other bytes come before them in their group of three. */
function encodeAmongOthers(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + bytes.length) * 8) / 6);
  return encoded.slice(first, end);
}

function toBase64Url(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

/** What JavaScript, RFC 3986, forms and paths leave as it is differs. */
function listUrlForms(text: string): string[] {
  const component = encodeURIComponent(text.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return [
    component,
    strict,
    strict.replaceAll("%20", "+"),
    strict.replaceAll("%2F", "/"),
    new URLSearchParams([["", text]]).toString().slice(1),
    encodeURI(text.toWellFormed()),
  ];
}

function toJsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As Python and our own messages on names of files print it. */
function escapeBeyondAscii(json: string): string {
  return json.replace(/[^\u0020-\u007e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function lowerEscapes(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
}
