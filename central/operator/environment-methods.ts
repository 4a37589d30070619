import type { ServiceImpl } from "@connectrpc/connect";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { readActor, requireEnvironment } from "./actor.ts";
import { createEnvironment } from "./create-environment.ts";
import { environmentMessage } from "./messages.ts";
import { environmentNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, readPage } from "./page.ts";
import { removeEnvironment } from "./remove-environment.ts";
import { required } from "./required.ts";
import { selectEnvironment } from "./sql/select-environment.ts";
import { selectEnvironments } from "./sql/select-environments.ts";
import { environmentPaths, updateEnvironment } from "./update-environment.ts";
import { readMask } from "./update-mask.ts";

type Methods = "createEnvironment" | "listEnvironments" | "getEnvironment" | "updateEnvironment" | "deleteEnvironment";

export function createEnvironmentMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, Methods> {
  const { pool, log } = o;
  return {
    async createEnvironment(request, context) {
      const actor = readActor(context);
      const row = await createEnvironment(pool, required(request.environment, "environment"), actor);
      log.info({ environment: row.name, tokenName: actor.name }, "environment created");
      return { environment: environmentMessage(row) };
    },
    async listEnvironments(request, context) {
      const { environment: name } = readActor(context);
      const page = readPage<[string]>(request, { list: "environments", filters: [], keys: 1 });
      const rows = await selectEnvironments(pool, { name, after: page.after?.[0], limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.name]);
      return { environments: cut.rows.map(environmentMessage), nextPageToken: cut.nextPageToken };
    },
    async getEnvironment(request, context) {
      requireEnvironment(readActor(context), request.name);
      const row = await selectEnvironment(pool, request.name);
      if (row === undefined) throw environmentNotFound(request.name);
      return { environment: environmentMessage(row) };
    },
    async updateEnvironment(request, context) {
      const actor = readActor(context);
      const paths = readMask(request.updateMask, environmentPaths);
      const row = await updateEnvironment(pool, required(request.environment, "environment"), paths, actor);
      log.info({ environment: row.name, tokenName: actor.name }, "environment changed");
      return { environment: environmentMessage(row) };
    },
    async deleteEnvironment(request, context) {
      const actor = readActor(context);
      await removeEnvironment(pool, request, actor);
      log.info({ environment: request.name, tokenName: actor.name }, "environment removed");
      return {};
    },
  };
}
