import { planFailure, siteTypes, type Planned, type SiteTypeName } from "./build-plan.ts";
import { errorMessage } from "#common/error-details.ts";

/** What the deployment config says; '' and undefined are unset. */
export type ConfigSettings = { siteType: SiteTypeName | undefined; buildCommand: string; outputDir: string; rootDir: string };

/** What is set, by the deployment config or by .deploy.json. */
export type Settings = {
  siteType: SiteTypeName | undefined;
  buildCommand: string | undefined;
  /** '' is the folder itself. */
  outputDir: string | undefined;
  rootDir: string;
};

const deployKeys = ["site_type", "build_type", "build_command", "output_dir", "root_dir"];
const commandLimit = 4_096;

/** Field by field: the deployment config's value if it is set, else that of .deploy.json at this commit. */
export function readSettings(config: ConfigSettings, deployJson: string | undefined): Planned<Settings> {
  const read: Planned<DeployJson> = deployJson === undefined ? { ok: true, value: {} } : readDeployJson(deployJson);
  if (!read.ok) return read;
  const file = read.value;
  const buildCommand = config.buildCommand || file.buildCommand;
  const outputDir = config.outputDir || file.outputDir;
  const rootDir = config.rootDir || file.rootDir;
  for (const [name, value] of [
    ["build_command", buildCommand],
    ["output_dir", outputDir],
    ["root_dir", rootDir],
  ] as const) {
    const problem = value === undefined ? undefined : name === "build_command" ? judgeCommand(value) : judgeFolder(value);
    if (problem !== undefined) return planFailure(`${name}_invalid`, `${name} ${problem}`);
  }
  return {
    ok: true,
    value: {
      siteType: config.siteType ?? file.siteType,
      buildCommand,
      outputDir: outputDir === undefined ? undefined : normalizeFolder(outputDir),
      rootDir: normalizeFolder(rootDir ?? ""),
    },
  };
}

type DeployJson = { siteType?: SiteTypeName; buildCommand?: string; outputDir?: string; rootDir?: string };

function readDeployJson(text: string): Planned<DeployJson> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return invalid(`is not JSON: ${errorMessage(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return invalid("must hold one object");
  const fields = new Map<string, string>();
  for (const [key, field] of Object.entries(value)) {
    if (!deployKeys.includes(key))
      return invalid(`has the unknown key ${JSON.stringify(key)}; known are ${deployKeys.join(", ")}`);
    if (typeof field !== "string" || field === "") return invalid(`has a ${key} that is no text, or an empty one`);
    fields.set(key, field);
  }
  const named = fields.get("site_type") ?? fields.get("build_type");
  if (fields.has("site_type") && fields.has("build_type") && named !== fields.get("build_type")) {
    return invalid("has a site_type and a build_type that differ; they mean the same, keep one");
  }
  const siteType = siteTypes.find((name) => name === named);
  if (named !== undefined && named !== "auto" && siteType === undefined) {
    return invalid(`has the unknown site_type ${JSON.stringify(named.slice(0, 64))}; known are auto, ${siteTypes.join(", ")}`);
  }
  const [buildCommand, outputDir, rootDir] = [fields.get("build_command"), fields.get("output_dir"), fields.get("root_dir")];
  return {
    ok: true,
    value: {
      ...(siteType === undefined ? {} : { siteType }),
      ...(buildCommand === undefined ? {} : { buildCommand }),
      ...(outputDir === undefined ? {} : { outputDir }),
      ...(rootDir === undefined ? {} : { rootDir }),
    },
  };
}

function invalid(message: string): ReturnType<typeof planFailure> {
  return planFailure("deploy_json_invalid", `.deploy.json ${message}`);
}

function judgeCommand(command: string): string | undefined {
  if (command.trim() === "") return "is blank";
  if (command.includes("\0")) return "holds a NUL";
  return command.length > commandLimit ? `is longer than ${commandLimit} characters` : undefined;
}

/** A folder inside the one that it is relative to, and not git's own. Undefined: it is good. */
export function judgeFolder(folder: string): string | undefined {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(folder)) return "holds control characters";
  if (folder.startsWith("/")) return "is absolute; it must be relative";
  if (folder.includes("\\")) return "holds a backslash";
  const parts = folder.split("/");
  if (parts.includes("..")) return "holds ..; it must stay inside the repository";
  if (parts.some((part) => part.toLowerCase() === ".git")) return "leads into .git";
  if (!folder.isWellFormed()) return "is not UTF-8";
  return Buffer.byteLength(folder) > 512 ? "is longer than 512 bytes" : undefined;
}

function normalizeFolder(folder: string): string {
  return folder
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}
