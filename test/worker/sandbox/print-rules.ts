import { connectPodman } from "#worker/podman/connect-podman.ts";
import { createHolder, readHolderTerms } from "#worker/sandbox/create-holder.ts";
import { releaseSandbox } from "#worker/sandbox/release-sandbox.ts";

// Run by a test in another network namespace: prints the rules of a holder that is made from there.
const [, , socket = "", imageReference = "", networkName = ""] = process.argv;
const podman = connectPodman(socket);
const limits = { memoryBytes: 2 ** 29, diskBytes: 2 ** 26, cpus: 1, pids: 64, timeoutMs: 60_000 };
const setup = { podman, imageReference, limits, dns: [], networkName, labels: {} };
const holder = await createHolder(setup, await readHolderTerms(setup));
await releaseSandbox(podman, holder.names);
process.stdout.write(holder.rules);
