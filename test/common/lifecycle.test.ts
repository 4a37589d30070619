import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { createReleasers } from "#common/lifecycle.ts";
import { eventually } from "#test/support/eventually.ts";
import { createLogCollector } from "./rpc/log-collector.ts";

describe("releasers", () => {
  it("run once, in reverse, each awaited, and an error does not stop the rest", async () => {
    const { log, lines } = createLogCollector();
    const releasers = createReleasers(log);
    const order: string[] = [];
    releasers.push("first", () => void order.push("first"));
    releasers.push("broken", () => {
      throw new Error("cannot");
    });
    releasers.push("slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push("slow");
    });
    await Promise.all([releasers.runAll(), releasers.runAll()]);
    await releasers.runAll();
    expect(order).toEqual(["slow", "first"]);
    expect(lines().filter(({ level }) => level === "error")).toMatchObject([{ released: "broken", err: { message: "cannot" } }]);
  });

  it("release at once what is acquired after they ran", async () => {
    const releasers = createReleasers(createLogCollector().log);
    await releasers.runAll();
    let released = false;
    releasers.push("late", () => {
      released = true;
    });
    await releasers.runAll();
    expect(released).toBe(true);
  });
});

/** Starts the daemon of lifecycle-daemon.ts and follows its output. */
function startDaemon(behaviour: string): { child: ChildProcess; output: () => string; ended: Promise<unknown[]> } {
  const child = spawn(process.execPath, [fileURLToPath(new URL("lifecycle-daemon.ts", import.meta.url)), behaviour]);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, output: () => output, ended: once(child, "close") };
}

describe("a daemon", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "releases everything at %s and ends with 0, whatever fails to release",
    async (signal) => {
      const { child, output, ended } = startDaemon("");
      await eventually(() => expect(output()).toContain("started"));
      child.kill(signal);
      expect(await ended).toEqual([0, null]);
      expect(output()).toContain("releasing");
      expect(output()).toContain("cannot release");
      expect(output()).toContain('"stopped"');
    },
  );

  it("ends at once at a second signal", async () => {
    const { child, output, ended } = startDaemon("hangs");
    await eventually(() => expect(output()).toContain("started"));
    child.kill("SIGTERM");
    await eventually(() => expect(output()).toContain("releasing"));
    child.kill("SIGINT");
    expect(await ended).toEqual([130, null]);
  });

  it("ends with 1 when its releases outlast the deadline", async () => {
    const { child, output, ended } = startDaemon("hangs briefly");
    await eventually(() => expect(output()).toContain("started"));
    child.kill("SIGTERM");
    expect(await ended).toEqual([1, null]);
    expect(output()).toContain("stopping took too long");
  });

  it("releases what a failed start had acquired, and ends with 1", async () => {
    const { output, ended } = startDaemon("fails to start");
    expect(await ended).toEqual([1, null]);
    expect(output()).toContain("no ground under it");
    expect(output()).toContain("releasing");
  });

  it("ends with 0 when it is stopped while it starts", async () => {
    const { child, output, ended } = startDaemon("starts slowly");
    await eventually(() => expect(output()).toContain("starting"));
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(output()).toContain("releasing");
  });
});
