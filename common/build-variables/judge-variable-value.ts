const shortest = 8;

/**
 * Says what is wrong with the value of a build variable, or nothing; never with the value itself in it. Line ends and tabs are good: keys in PEM
 * have them. A short one would be found in half of a log's words, so that it could not be masked.
 */
export function judgeVariableValue(value: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(value))
    return "must not contain control characters but line ends and tabs";
  if (value.replaceAll(/\s/g, "").length < shortest)
    return `must have at least ${shortest} characters, not counting white space: a shorter one cannot be kept out of logs; what is no secret belongs in the repository`;
  return undefined;
}
