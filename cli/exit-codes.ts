/** Every exit code of `catapult`, as `catapult --help` and the README tell them. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  deploymentEnded: 3,
} as const;

export const exitCodesHelp = `Exit codes: ${exitCodes.ok} done; ${exitCodes.failed} tried and failed; ${exitCodes.usage} what was typed or set is wrong; \
${exitCodes.deploymentEnded} the deployment
that was waited for did not succeed.`;
