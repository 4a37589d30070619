// A server of one method, with a signature and without, so that its CPU is its own. Prints one line: where it is.
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { createLogger } from "#common/logger.ts";
import { createMemoryNonceStore } from "#common/rpc/nonces.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { workerSignatureHeader } from "#common/rpc/signing-interceptor.ts";
import { unsignedReportStatus } from "./unsigned-central-service.ts";

const key = Buffer.from(process.env["BENCH_KEY"] ?? "", "base64url");
const reportStatus = ({ firstLogLine }: { firstLogLine: bigint }) => ({ acknowledgedLogLine: firstLogLine });
const server = await startRpcServer({
  listen: { host: "127.0.0.1", port: 0 },
  tls: "off",
  routes: (router) => {
    router.service(CentralService, { reportStatus });
    router.rpc(unsignedReportStatus, reportStatus);
  },
  signatures: {
    header: workerSignatureHeader,
    recipient: "central",
    findKey: (kid) => Promise.resolve(kid === "bench" ? { key, caller: "bench" } : undefined),
    nonces: createMemoryNonceStore(),
  },
  tokens: () => Promise.resolve({ name: "bench", scope: "write" as const }),
  log: createLogger({ name: "bench", level: "error" }),
});
process.on("SIGTERM", () => process.exit(0));
console.info(JSON.stringify({ url: server.url }));
