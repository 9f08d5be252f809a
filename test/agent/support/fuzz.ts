import process from "node:process";

/** How long a property runs: so many cases in `npm test`, so many seconds in `npm run fuzz` (`ZTNA_FUZZ_SECONDS`). */
export function runs(cases: number): { numRuns: number; interruptAfterTimeLimit?: number } {
  const seconds = Number(process.env["ZTNA_FUZZ_SECONDS"] ?? 0);
  return seconds > 0
    ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 }
    : { numRuns: cases };
}
