// Tries every address that a build must not reach, and the ones that it must.
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt } from "../observation.ts";
import { read, request, tell } from "./tell.ts";

const attemptMs = 1_000;
const targetMs = 2_500;

/** Destinations that the canary's link carries, as the kernel's table has them: little-endian hex. */
function readLinked(): Set<string> {
  const linked = new Set<string>();
  for (const line of read("/proc/net/route").split("\n")) {
    const [link = "", destination = "", , , , , , mask = ""] = line.split("\t");
    if (link !== request.link || mask !== "FFFFFFFF") continue;
    const bytes = (destination.match(/../g) ?? []).map((hex) => Number.parseInt(hex, 16));
    linked.add(bytes.toReversed().join("."));
  }
  return linked;
}

function attemptTcp(o: { address: string; port: number }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: o.address, port: o.port });
    let connected = false;
    const end = (outcome: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(connected ? "connected" : "ETIMEDOUT"), attemptMs);
    socket.on("connect", () => (connected = true));
    socket.on("data", (data) => end(data.toString() === request.token ? "token" : "connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(connected ? "connected" : (error.code ?? "ERROR")));
  });
}

function attemptUdp(o: { address: string; port: number }): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (outcome: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    };
    const timer = setTimeout(() => end("ETIMEDOUT"), 200);
    socket.on("message", (data) => end(data.toString() === request.token ? "token" : "connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "ERROR"));
    socket.connect(o.port, o.address, () =>
      socket.send("x", (error: NodeJS.ErrnoException | null) => error && end(error.code ?? "ERROR")),
    );
  });
}

export async function tryNetwork(): Promise<void> {
  for (const line of read("/proc/net/if_inet6").trim().split("\n")) {
    const name = line.trim().split(/\s+/).at(-1) ?? "";
    if (name !== "" && name !== "lo") tell({ kind: "ipv6", interface: name });
  }
  const linked = readLinked();
  const onLink = new Set(request.linked);
  await Promise.all([
    ...request.attempts.map(async (attempt: Omit<Attempt, "outcome">) => {
      if (onLink.has(attempt.address) && !isIPv6(attempt.address) && !linked.has(attempt.address)) {
        tell({ kind: "unrouted", address: attempt.address });
        return;
      }
      const outcome = attempt.protocol === "tcp" ? await attemptTcp(attempt) : await attemptUdp(attempt);
      tell({ kind: "attempt", attempt: { ...attempt, outcome } });
    }),
    tryTarget(),
  ]);
}

/** The one place outside that must answer: a lost packet is no proof that it does not, so it is tried twice. */
async function tryTarget(): Promise<void> {
  const { target } = request;
  if (target === undefined) return;
  let said = "";
  let resolved = false;
  for (let trial = 0; trial < 2; trial += 1) {
    try {
      const { address } = await Promise.race([lookup(target.host, { family: 4 }), fail("no answer from the resolvers")]);
      resolved = true;
      await Promise.race([reach(address, target.port), fail("no answer")]);
      tell({ kind: "target", resolved, connected: true, said: "" });
      return;
    } catch (error) {
      said = error instanceof Error ? error.message : String(error);
    }
  }
  tell({ kind: "target", resolved, connected: false, said: said.slice(0, 200) });
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve();
    });
    socket.setTimeout(targetMs, () => socket.destroy());
    socket.on("error", reject);
  });
}

async function fail(message: string): Promise<never> {
  await sleep(targetMs, undefined, { ref: false });
  throw new Error(message);
}
