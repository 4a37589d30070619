import type { Need } from "./need.ts";

/** The Node that runs this: the launcher has chosen it. */
export function checkNode(version = process.versions.node): Need {
  const found = Number.parseInt(version, 10) >= 24;
  const advice = "install Node 24 or later (https://nodejs.org), or run `npm ci`, which brings one";
  return { name: "node", need: "required", found, detail: `${version} (${process.execPath})`, ...(!found && { advice }) };
}
