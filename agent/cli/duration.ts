import { InvalidArgumentError } from "@commander-js/extra-typings";

const units = { ms: 1, s: 1_000, m: 60_000 } as const;

/** Reads options such as `500ms`, `3s` or `5m` as milliseconds, seconds where no unit is given. */
export function durationUpTo(most: string, example: string): (text: string) => number {
  return (text) => {
    const ms = millisecondsOf(text);
    if (ms >= 1 && ms <= millisecondsOf(most)) return ms;
    throw new InvalidArgumentError(`It must be between 1ms and ${most}, such as ${example}`);
  };
}

function millisecondsOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  return match === null ? 0 : Number(match[1]) * units[(match[2] ?? "s") as keyof typeof units];
}
