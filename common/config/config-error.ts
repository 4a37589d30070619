/** Every variable that is missing or bad, named at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly { variable: string; problem: string }[];

  constructor(problems: readonly { variable: string; problem: string }[]) {
    super(
      `the configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n` +
        problems.map(({ variable, problem }) => `  ${variable}: ${problem}`).join("\n"),
    );
    this.problems = problems;
  }
}
