import { errorMessage } from "#common/error-details.ts";
import { planFailure, type Planned } from "./build-plan.ts";

export type PackageJson = { dependencies: ReadonlySet<string>; packageManager: string | undefined };

/** The names of all dependencies, of every kind, of an untrusted package.json. Without one: none. */
export function readPackageJson(text: string | undefined): Planned<PackageJson> {
  if (text === undefined) return { ok: true, value: { dependencies: new Set(), packageManager: undefined } };
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return planFailure("package_json_invalid", `package.json is not JSON: ${errorMessage(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return planFailure("package_json_invalid", "package.json must hold one object");
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const dependencies = new Set<string>();
  for (const kind of ["dependencies", "devDependencies", "optionalDependencies"]) {
    const list = fields.get(kind);
    if (typeof list === "object" && list !== null) for (const name of Object.keys(list)) dependencies.add(name);
  }
  const packageManager = fields.get("packageManager");
  return { ok: true, value: { dependencies, packageManager: typeof packageManager === "string" ? packageManager : undefined } };
}
