/** A name from an untrusted tree for a message: quoted, with everything but printable ASCII escaped. */
export function printName(name: string): string {
  const text = JSON.stringify(name.slice(0, 200)).replace(
    /[^\u0020-\u007e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return name.length > 200 ? `${text}…` : text;
}
