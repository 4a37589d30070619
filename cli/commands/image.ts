import type { Command } from "commander";
import { parsePath } from "#common/config/parse.ts";
import { readConfig, variable } from "#common/config/read-config.ts";
import { formatVariables } from "../output/format-variables.ts";
import { print, printJson } from "../output/print.ts";

type Options = { json?: boolean };

const podmanVariables = {
  socket: variable("PODMAN_SOCKET", parsePath, { help: "the socket of the worker's Podman", default: "/run/podman/podman.sock" }),
};
const buildVariables = {
  ...podmanVariables,
  stateDir: variable("STATE_DIR", parsePath, {
    help: "where the image is put together; it needs 3 GB for that",
    default: "/var/tmp",
  }),
};

export function addImage(program: Command): void {
  const command = program.command("image").description("the image in which sites are built, made from Debian's packages");
  command.addHelpText("after", `\n${formatVariables(buildVariables)}`);
  command
    .command("build")
    .description("make the builder image, unless one of the same parts is there")
    .option("--json", "print its name and id as JSON")
    .addHelpText("after", `\n${formatVariables(buildVariables)}`)
    .action(async (options: Options) => {
      const { socket, stateDir } = readConfig(process.env, buildVariables);
      const podman = await connect(socket);
      const { buildImage } = await import("#worker/image/build-image.ts");
      printImage(await buildImage({ podman, stateDir, onProgress: printProgress }), options);
    });
  command
    .command("export")
    .argument("<file>")
    .description("write the builder image to a file, for a machine that cannot make it")
    .option("--json", "print where it is as JSON")
    .addHelpText("after", `\n${formatVariables(podmanVariables)}`)
    .action(async (file: string, options: Options) => {
      const { socket } = readConfig(process.env, podmanVariables);
      const podman = await connect(socket);
      const { exportImage } = await import("#worker/image/transfer-image.ts");
      await exportImage({ podman, file });
      if (options.json === true) printJson({ file });
      else print(`The builder image is in ${file}. Take it in elsewhere with: catapult image import <file>`);
    });
  command
    .command("import")
    .argument("<file>")
    .description("take in a builder image that was exported")
    .option("--json", "print its name and id as JSON")
    .addHelpText("after", `\n${formatVariables(podmanVariables)}`)
    .action(async (file: string, options: Options) => {
      const { socket } = readConfig(process.env, podmanVariables);
      await checkReadable(file);
      const podman = await connect(socket);
      const { importImage } = await import("#worker/image/transfer-image.ts");
      printImage(await importImage({ podman, file }), options);
    });
}

function printImage({ reference, id }: { reference: string; id: string }, options: Options): void {
  if (options.json === true) printJson({ reference, id });
  else print(`${reference} ${id}`);
}

function printProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A Podman that answers: dockerode's own error for a missing socket says neither what was asked nor what to do. */
async function connect(socket: string) {
  const { connectPodman } = await import("#worker/podman/connect-podman.ts");
  const { withDeadline } = await import("#worker/podman/with-deadline.ts");
  const { CommandError } = await import("../errors.ts");
  const podman = connectPodman(socket);
  try {
    await withDeadline(10_000, `ask Podman at ${socket}`, podman.ping());
    return podman;
  } catch (error) {
    const came = error instanceof Error ? error.message : String(error);
    const advice = "Set PODMAN_SOCKET to its socket; `podman system service --time=0 unix:///run/podman/podman.sock` makes one.";
    throw new CommandError(`no Podman answers at ${socket}: ${came}.\n${advice}`, { cause: error });
  }
}

async function checkReadable(file: string): Promise<void> {
  const { access, constants } = await import("node:fs/promises");
  const { UsageError } = await import("../errors.ts");
  await access(file, constants.R_OK).catch((error: Error) => {
    throw new UsageError(`<file>: ${error.message}`, { cause: error });
  });
}
