import { createServer } from "node:net";
import { createLogger } from "#common/logger.ts";
import { runDaemon } from "#common/lifecycle.ts";

// A daemon for lifecycle.test.ts, which says how it behaves by its argument and follows its standard output.
const behaviour = process.argv[2];

await runDaemon({
  log: createLogger({ name: "daemon" }),
  deadlineMs: behaviour === "hangs briefly" ? 300 : 60_000,
  async start(releasers) {
    const server = createServer().listen(0, "127.0.0.1");
    releasers.push("server", () => void server.close());
    releasers.push("broken", () => Promise.reject(new Error("cannot release")));
    releasers.push("last", async () => {
      process.stdout.write("releasing\n");
      if (behaviour?.startsWith("hangs")) await new Promise(() => undefined);
    });
    if (behaviour === "fails to start") throw new Error("no ground under it");
    if (behaviour === "starts slowly") {
      process.stdout.write("starting\n");
      await new Promise((resolve) => setTimeout(resolve, 300));
      releasers.push("late", () => void process.stdout.write("released late\n"));
      return;
    }
    process.stdout.write("started\n");
  },
});
