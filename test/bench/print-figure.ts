/** One line of a benchmark: what was measured, the figure, and what it is meant to stay under. */
export function printFigure(what: string, figure: string, aim?: string): void {
  console.info(`${what.padEnd(62)} ${figure.padStart(24)}${aim === undefined ? "" : `   (aim: ${aim})`}`);
}

export const milliseconds = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
