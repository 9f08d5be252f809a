/** How many tests a run says it had. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly leftOut: number;
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/**
 * Reads the closing lines of vitest, deno test and our gate. A run that failed without saying so counts as one failed
 * test, so that nothing can fail unseen.
 */
export function readTally(output: string, code: number): Tally {
  const closing = output.replaceAll(escapes, "").split("\n").filter((line) =>
    /^\s*Tests\s+\d/.test(line) || /^(ok|FAILED) \| \d+ passed/.test(line) || /^\d+ ok, \d+ failed/.test(line)
  ).join("\n");
  const passed = sum(closing, /(\d+) (?:passed|ok)/g);
  const failed = sum(closing, /(\d+) failed/g);
  const leftOut = sum(closing, /(\d+) (?:skipped|todo|ignored)/g);
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed, leftOut };
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}
