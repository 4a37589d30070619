import type { Daemons } from "./start-daemons.ts";
import { keepConfig, local } from "./bootstrap.ts";
import { keepSamplePullRequest, keepSampleRepository, sample } from "./keep-sample.ts";
import type { Forge } from "./start-foundation.ts";
import type { Start } from "./start.ts";

export type Sample = { token: string; clone: string; pullRequest: number; previewUrl: string; productionUrl: string };

/** The sample's repository, its deployment config and its pull request: what is missing is made. */
export async function openSample(start: Start, o: { forge: Forge; daemons: Daemons; sitesUrl: string }): Promise<Sample> {
  return start.steps.run("sample repository and pull request", async () => {
    const { token } = await keepSampleRepository(o.forge);
    const config = await keepConfig(o.daemons.operator, sample);
    const { number, clone } = await keepSamplePullRequest({ forge: o.forge, token, stateDir: start.stateDir });
    const host = `pr-${number}-${config.previewLabel}.${local.domain}`;
    return {
      token,
      clone,
      pullRequest: number,
      previewUrl: o.sitesUrl.replace("{host}", host),
      productionUrl: config.productionUrl,
    };
  });
}
