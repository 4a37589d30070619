import { readFileSync } from "node:fs";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { kindOf, orderFiles } from "./order-files.ts";

/** vitest's own order, longest or largest first, within what orderFiles makes of it. */
export class FileSequencer extends BaseSequencer {
  override async sort(specs: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- no array: the method of a sequencer
    const sorted = await super.sort(specs);
    const files = sorted.map((spec) => ({
      spec,
      kind: kindOf(readFileSync(spec.moduleId, "utf8"), spec.project.name),
    }));
    return orderFiles(files).map(({ spec }) => spec);
  }
}
