import { ZtnaError } from "#protocol/errors.ts";

/**
 * A machine's name as it is kept: letters, digits, `.`, `_`, `-` and inner spaces; everything else is removed.
 * Refuses what is empty, too long, or has nothing left.
 */
export function machineName(text: string): string {
  if (text.length === 0 || text.length > 100) throw new ZtnaError("INVALID_INPUT", "Name must be 1-100 characters");
  const kept = text.normalize("NFKC").replaceAll(/[^A-Za-z0-9._ -]/g, "").replaceAll(/ +/g, " ").trim();
  if (!/[A-Za-z0-9]/.test(kept)) throw new ZtnaError("INVALID_INPUT", "Name contains only invalid characters");
  return kept.slice(0, 100);
}
