import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const seconds = v.pipe(v.number(), v.minValue(0));

const limit = (fallback: number) => v.optional(count, fallback);
const delay = (fallback: number) => v.optional(seconds, fallback);

/** Every limit of the product with its default. A rate limit of 0 means no limit. Set with `ZTNA_LIMITS`. */
export const limitsSchema = v.strictObject({
  register_per_ip: limit(10),
  register_per_key: limit(5),
  setup_per_user: limit(10),
  signup_per_ip: limit(5),
  login_per_ip: limit(10),
  login_per_email: limit(10),
  cli_login_per_user: limit(10),
  oauth_per_ip: limit(20),
  change_password_per_user: limit(5),
  login_failures_before_lock: limit(10),
  /**
   * What a password's hash costs: 14 takes 32 MiB and about 50 ms of CPU, one less half of both. For hashes to come; those
   * stored stay good.
   */
  scrypt_log2_n: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(15)), 14),
  machine_quota: limit(100),
  /** Orgs that the cron job wakes at most in one round. */
  sweep_orgs: limit(200),
  /** Members of one org and open invitations together. */
  users_per_org: limit(5),
  /** Each is a mail to an address of the admin's choice. */
  invitations_per_org: limit(30),
  realtime_sockets_per_org: limit(200),
  realtime_broadcasts_per_minute: limit(10),
  realtime_message_bytes: limit(4096),
  body_bytes: limit(65_536),
  relay_bytes_in_flight: limit(1_048_576),
  address_pool: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, "address_pool must be an IPv4 prefix")),
    "100.64.0.0/10",
  ),
});
export type Limits = v.InferOutput<typeof limitsSchema>;

/** Every delay of the product in seconds, with its default. Set with `ZTNA_TIMINGS`. */
export const timingsSchema = v.strictObject({
  access_token_s: delay(3600),
  refresh_token_s: delay(30 * 86_400),
  machine_token_s: delay(86_400),
  relay_ticket_s: delay(600),
  heartbeat_s: delay(60),
  offline_after_s: delay(180),
  /** How long an ephemeral machine may be offline before it is deleted. One that falls silent is deleted at once. */
  ephemeral_offline_s: delay(1800),
  /** How soon after its end a key is dealt with at the latest is a quarter of this. */
  key_check_s: delay(60),
  /** How long each of the days is that an org's `key_expiry_days` gives a node key. */
  node_key_day_s: delay(86_400),
  /** How long after its time the cron job does what an org's own alarm should have done. */
  sweep_slack_s: delay(3600),
  register_per_ip_window_s: delay(600),
  register_per_key_window_s: delay(300),
  setup_per_user_window_s: delay(600),
  signup_window_s: delay(300),
  login_window_s: delay(300),
  change_password_window_s: delay(300),
  account_lock_s: delay(900),
  /** How long a login stands in for the password of an account that has none. */
  fresh_login_s: delay(600),
  /** How long a person may stay at a sign-in provider. */
  oauth_state_s: delay(600),
  /** How long a CLI has to trade the code that the browser brings. */
  cli_code_s: delay(60),
  invitation_s: delay(7 * 86_400),
  invitations_window_s: delay(3600),
  mail_timeout_s: delay(5),
  /** How long heartbeats go by the releases as they were read. */
  releases_kept_s: delay(86_400),
  realtime_idle_s: delay(90),
  projection_delay_s: delay(1),
  audit_retention_s: delay(90 * 86_400),
  direct_attempt_s: delay(3),
  direct_retry_s: delay(60),
});
export type Timings = v.InferOutput<typeof timingsSchema>;

/** Reads a JSON object of settings, or throws one sentence that names the wrong key. */
export function parseSettings<S extends typeof limitsSchema | typeof timingsSchema>(
  variable: string,
  schema: S,
  json: string | undefined,
): v.InferOutput<S> {
  let value: unknown;
  try {
    value = json === undefined || json === "" ? {} : JSON.parse(json);
  } catch {
    throw new Error(`${variable} must be a JSON object`);
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const key = v.getDotPath(issue);
  throw new Error(
    issue.type === "strict_object" && key !== null && issue.expected === "never"
      ? `${variable}: unknown key ${key}`
      : `${variable}: ${key ?? "value"}: ${issue.message}`,
  );
}
