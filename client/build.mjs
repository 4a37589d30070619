// Compiles the client into client/dist: Node refuses to run TypeScript that lies under node_modules.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
/** What the generated OperatorService imports, and the details of errors. */
const generated = [
  "catapult/v1/deployment_pb",
  "catapult/v1/guard_pb",
  "catapult/v1/operator_service_pb",
  "google/rpc/error_details_pb",
];

rmSync(`${root}client/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}client`], { stdio: "inherit" });
for (const file of generated) {
  for (const end of ["js", "d.ts"]) cpSync(`${root}gen/${file}.${end}`, `${root}client/dist/gen/${file}.${end}`);
}
// tsc rewrites the ends of imports in code, but not in declarations.
for (const file of globSync(`${root}client/dist/client/*.d.ts`)) {
  writeFileSync(file, readFileSync(file, "utf8").replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
}
cpSync(`${root}LICENSE`, `${root}client/dist/LICENSE`);
