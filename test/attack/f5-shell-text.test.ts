import { afterAll, beforeAll, expect, test } from "vitest";
import { attack } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

/** Each would leave the file `hit` behind if anything read it as shell text, as an option or as two words. */
const texts = {
  quotes: `'"; touch /build/tmp/hit; '"`,
  substitution: "$(touch /build/tmp/hit)`touch /build/tmp/hit`; touch /build/tmp/hit & a[$(touch /build/tmp/hit)0]",
  option: "--version ${IFS}*~ ?[a-z]",
};

test("F5 a branch's name, a folder's and a file's are no shell text, option or pattern to anything that starts the build", async () => {
  for (const [kind, text] of Object.entries(texts)) {
    const folder = text.replaceAll("/", "_");
    const { failure, files } = await attack(podman, {
      environment: { CI: "true", CATAPULT_BRANCH: text },
      files: { [`${folder}/page`]: "x", [`${folder}/${folder}`]: "x" },
      rootDir: folder,
      outputDir: folder,
      command: `mkdir -p "$PWD/\${PWD##*/}" 2>/dev/null; rm -rf -- "./\${PWD##*/}"; mkdir -- "./\${PWD##*/}"; printf '%s' "$CATAPULT_BRANCH" >"./\${PWD##*/}/branch"; ls /build/tmp >"./\${PWD##*/}/made"`,
    });
    expect([kind, failure, files["branch"]]).toEqual([kind, undefined, text]);
    expect([kind, files["made"]?.includes("hit")]).toEqual([kind, false]);
  }
});
