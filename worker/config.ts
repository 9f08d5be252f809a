import * as v from "valibot";
import { type Limits, limitsSchema, parseSettings, type Timings, timingsSchema } from "#protocol/limits.ts";
import { parseLoginProviders, type ProviderSetting } from "./auth/login-providers.ts";
import type { RelayRegion } from "#protocol/netmap.ts";

export interface Config {
  readonly limits: Limits;
  readonly timings: Timings;
  /** Root of every HMAC key; 32 bytes. */
  readonly secret: Uint8Array;
  /** ES256 private key of access tokens, a JWK as text. */
  readonly jwtKey: string;
  readonly regions: readonly RegionSetting[];
  /** Ways to sign in other than a password. */
  readonly loginProviders: readonly ProviderSetting[];
  /** Undefined as long as no mail is to be sent. */
  readonly mail: MailProvider | undefined;
}

/** An HTTP endpoint that takes mails as JSON, and how we introduce ourselves there. */
export interface MailProvider {
  readonly url: string;
  readonly token: string | undefined;
  readonly from: string;
}

/** A relay region of this deploy; `locationHint` is where Cloudflare places its Durable Objects. */
export interface RegionSetting extends Omit<RelayRegion, "hostname" | "ipv4" | "stun_port" | "derp_port"> {
  readonly locationHint: "apac" | "enam" | "weur" | "wnam";
}

const regions: readonly RegionSetting[] = [
  { id: 1, region_code: "blr1", region_name: "Bangalore", priority: 10, locationHint: "apac" },
  { id: 2, region_code: "nyc1", region_name: "New York", priority: 20, locationHint: "enam" },
  { id: 3, region_code: "lon1", region_name: "London", priority: 30, locationHint: "weur" },
  { id: 4, region_code: "sfo3", region_name: "San Francisco", priority: 40, locationHint: "wnam" },
];

const secretSchema = v.pipe(
  v.string("ZTNA_SECRET must be 64 hex digits"),
  v.regex(/^[0-9a-f]{64}$/, "ZTNA_SECRET must be 64 hex digits"),
  v.transform((hex) => Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16))),
);

/** Secrets that a deploy may do without. */
interface OptionalSecrets {
  readonly ZTNA_LOGIN_SECRETS?: string;
  readonly ZTNA_MAIL_TOKEN?: string;
}

const cache = new WeakMap<object, Config>();

/** Reads the Worker's environment, once per environment object; throws one sentence when a setting is wrong. */
export function readConfig(env: Env & OptionalSecrets): Config {
  const known = cache.get(env);
  if (known !== undefined) return known;
  const secret = v.safeParse(secretSchema, env.ZTNA_SECRET);
  if (!secret.success) throw new Error(secret.issues[0].message);
  if (env.ZTNA_JWT_KEY === undefined) throw new Error("ZTNA_JWT_KEY must be an ES256 private key as a JWK");
  const config: Config = {
    limits: parseSettings("ZTNA_LIMITS", limitsSchema, env.ZTNA_LIMITS),
    timings: parseSettings("ZTNA_TIMINGS", timingsSchema, env.ZTNA_TIMINGS),
    secret: secret.output,
    jwtKey: env.ZTNA_JWT_KEY,
    regions,
    loginProviders: parseLoginProviders(env.ZTNA_LOGIN_PROVIDERS, env.ZTNA_LOGIN_SECRETS),
    mail: readMailProvider(env),
  };
  cache.set(env, config);
  return config;
}

function readMailProvider(env: Env & OptionalSecrets): MailProvider | undefined {
  const [url, from]: string[] = [env.ZTNA_MAIL_URL, env.ZTNA_MAIL_FROM];
  if (!url) return undefined;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new Error("ZTNA_MAIL_URL must be an http or https URL");
  if (!from) throw new Error("ZTNA_MAIL_FROM must be the sender's address when ZTNA_MAIL_URL is set");
  return { url, token: env.ZTNA_MAIL_TOKEN || undefined, from };
}

/** The relay map agents see: every region is served by this deploy's own host. */
export function relayRegions(config: Config, hostname: string): RelayRegion[] {
  return config.regions.map(({ locationHint: _, ...region }) => ({
    ...region,
    hostname,
    ipv4: null,
    stun_port: 3478,
    derp_port: 443,
  }));
}
