import { errorMessage } from "#common/error-details.ts";

/** Prints what `up` does: each step once it is done, with its time, and the lines that a long one has to say in between. */
export type Steps = {
  run<T>(name: string, work: (say: (line: string) => void) => Promise<T>): Promise<T>;
  print(text: string): void;
};

/** A step of `up` failed; the cause says what came back. */
export class StepError extends Error {
  override name = "StepError";
}

export function createSteps(out: NodeJS.WritableStream): Steps {
  // A reader that went away (`npm start | head`) must not end what runs.
  out.on("error", () => undefined);
  const print = (text: string): void => {
    out.write(`${text}\n`);
  };
  return {
    print,
    async run(name, work) {
      const start = performance.now();
      try {
        const result = await work((line) => print(`  ${name}: ${line}`));
        print(`✓ ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
        return result;
      } catch (cause) {
        if (cause instanceof StepError) throw cause;
        throw new StepError(`${name} failed after ${((performance.now() - start) / 1000).toFixed(1)} s: ${describe(cause)}`, {
          cause,
        });
      }
    },
  };
}

/** The message and those of its causes: the first often says what was attempted, the last what came back. */
function describe(error: unknown): string {
  const messages: string[] = [];
  for (
    let each: unknown = error;
    each !== undefined && messages.length < 5;
    each = each instanceof Error ? each.cause : undefined
  ) {
    const message = errorMessage(each);
    if (!messages.some((before) => before.includes(message))) messages.push(message);
  }
  return messages.join("\n  caused by: ");
}
