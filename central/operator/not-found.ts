import { Code, type ConnectError } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";

export function environmentNotFound(name: string): ConnectError {
  return reasonError(Code.NotFound, "environment_not_found", `name: there is no environment ${name}`);
}

export function workerNotFound(id: string): ConnectError {
  return reasonError(Code.NotFound, "worker_not_found", `id: there is no worker ${id}`);
}

export function configNotFound(org: string, repo: string): ConnectError {
  return reasonError(Code.NotFound, "config_not_found", `github_repo: there is no deployment config of ${org}/${repo}`);
}

export function siteNotFound(what: string): ConnectError {
  return reasonError(Code.NotFound, "site_not_found", `there is no site ${what}`);
}

export function deploymentNotFound(id: bigint): ConnectError {
  return reasonError(Code.NotFound, "deployment_not_found", `id: there is no deployment ${id}`);
}

export function tokenNotFound(name: string): ConnectError {
  return reasonError(Code.NotFound, "token_not_found", `name: there is no token ${name}`);
}
