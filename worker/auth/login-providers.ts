import * as v from "valibot";

interface Client {
  /** Names the provider in identities and addresses. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface GitHubSetting extends Client {
  readonly kind: "github";
  readonly url: string;
  readonly apiUrl: string;
}

export interface OidcSetting extends Client {
  readonly kind: "oidc";
  readonly issuer: string;
}

export type ProviderSetting = GitHubSetting | OidcSetting;

const text = v.pipe(v.string(), v.nonEmpty());
const url = v.pipe(
  v.string(),
  v.url(),
  // A provider's answer decides who somebody is: only a test's provider on this machine may do without TLS.
  v.regex(/^(?:https:|http:\/\/(?:127\.0\.0\.1|localhost)[:/])/, "must start with https://"),
  v.transform((address) => address.replace(/\/+$/, "")),
);
const client = { client_id: text, client_secret: text };

const settingsSchema = v.objectWithRest({
  github: v.optional(v.strictObject({
    ...client,
    url: v.optional(url, "https://github.com"),
    api_url: v.optional(url, "https://api.github.com"),
  })),
  google: v.optional(v.strictObject({ ...client, issuer: v.optional(url, "https://accounts.google.com") })),
}, v.strictObject({ ...client, name: text, issuer: url }));

/**
 * Reads `ZTNA_LOGIN_PROVIDERS` and, for the client secrets that do not stand there, `ZTNA_LOGIN_SECRETS` with one by provider.
 * Throws one sentence that names the wrong key; never what stands there.
 */
export function parseLoginProviders(json: string | undefined, secretsJson?: string): ProviderSetting[] {
  const parsed = v.safeParse(settingsSchema, withSecrets(parseJson(json), parseJson(secretsJson)));
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new Error(`ZTNA_LOGIN_PROVIDERS: ${v.getDotPath(issue) ?? "must be a JSON object"}: wrong or missing`);
  }
  const { github, google, ...others } = parsed.output;
  const oidc = ([id, { name, issuer, ...other }]: [string, { name: string; issuer: string } & ClientKeys]) =>
    ({ kind: "oidc", id, name, issuer, ...clientOf(other) }) as const;
  return [
    ...(github === undefined ? [] : [
      {
        kind: "github" as const,
        id: "github",
        name: "GitHub",
        url: github.url,
        apiUrl: github.api_url,
        ...clientOf(github),
      },
    ]),
    ...(google === undefined ? [] : [oidc(["google", { name: "Google", ...google }])]),
    ...Object.entries(others).map(oidc),
  ];
}

interface ClientKeys {
  readonly client_id: string;
  readonly client_secret: string;
}

function clientOf({ client_id, client_secret }: ClientKeys) {
  return { clientId: client_id, clientSecret: client_secret };
}

function withSecrets(providers: unknown, secrets: unknown): unknown {
  if (!isRecord(providers) || !isRecord(secrets)) return providers;
  const completed = Object.entries(providers).map(([id, provider]) => [
    id,
    isRecord(provider) && Object.hasOwn(secrets, id) ? { client_secret: secrets[id], ...provider } : provider,
  ]);
  return Object.fromEntries(completed);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function parseJson(json: string | undefined): unknown {
  try {
    const value: unknown = json === undefined || json === "" ? {} : JSON.parse(json);
    return Array.isArray(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
