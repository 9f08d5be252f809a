export const REDACTED = "[REDACTED]";

/** Fields whose values are for anybody's eyes, among those whose names sound like a secret. */
const OPEN_FIELDS = new Set(["wireguard_public_key", "machine_key", "node_key_hash", "public_key", "key_prefix"]);
const SECRET_FIELD = /key|token|secret|password|credential|psk|cookie|authorization/i;
/** Secrets by their look, wherever they stand: auth keys, tokens, bearer headers, passwords in URLs. */
const SECRET_TEXT: readonly [RegExp, string][] = [
  [/tskey-auth-[0-9a-zA-Z]+/g, `tskey-auth-${REDACTED}`],
  [/qztna_[0-9a-fA-F]{16,}/g, `qztna_${REDACTED}`],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  [/\b(bearer)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s"'@]*@/gi, `$1${REDACTED}@`],
];

/** A copy of a JSON value in which every field that may hold a secret has none. */
export function redactFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const isSecret = SECRET_FIELD.test(name) && !OPEN_FIELDS.has(name) && field !== null;
      return [name, isSecret ? REDACTED : redactFields(field)];
    }),
  );
}

/** Text without these secrets, and without whatever looks like one. */
export function redactText(text: string, secrets: Iterable<string>): string {
  const known = [...secrets].filter((secret) => secret.length >= SHORTEST).sort((a, b) => b.length - a.length);
  const without = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return SECRET_TEXT.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), without);
}

/** Shorter ones cannot be told from words. */
const SHORTEST = 6;

/** Every text in a JSON value that stands where a secret may stand. */
export function secretsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(secretsIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    if (typeof field === "string") return SECRET_FIELD.test(name) && !OPEN_FIELDS.has(name) ? [field] : [];
    return secretsIn(field);
  });
}
