/** Tags as they are kept: without `tag:`, of `[A-Za-z0-9_-]`, at most 50 characters; others are left out. */
export function cleanTags(tags: readonly string[]): string[] {
  const kept = tags.map((tag) => tag.trim().replace(/^tag:/, "")).filter((tag) => /^[A-Za-z0-9_-]{1,50}$/.test(tag));
  return [...new Set(kept)];
}

/** Those of the claimed tags that an auth key grants; null grants any. */
export function grantTags(claimed: readonly string[], allowed: readonly string[] | null): string[] {
  const clean = cleanTags(claimed);
  return allowed === null ? clean : clean.filter((tag) => allowed.includes(tag));
}

/**
 * The tags of a machine that names its own: it may put and take those its auth key grants, and keeps the others, which
 * somebody else has given it.
 */
export function retag(
  current: readonly string[],
  claimed: readonly string[],
  allowed: readonly string[] | null,
): string[] {
  const others = allowed === null ? [] : current.filter((tag) => !allowed.includes(tag));
  return [...new Set([...others, ...grantTags(claimed, allowed)])];
}
