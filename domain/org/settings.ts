import * as v from "valibot";
import { type OrgSettings, orgSettingsSchema } from "#protocol/api/orgs.ts";
import { ZtnaError } from "#protocol/errors.ts";

/** What admins decide of their org. */
export type AdminSettings = Omit<OrgSettings, "org_id" | DeploysOwn>;
type DeploysOwn = (typeof deploysOwn)[number];

const deploysOwn = ["machine_quota", "address_pool"] as const satisfies (keyof OrgSettings)[];

type Asked =
  & Partial<Omit<AdminSettings, "posture_enforcement">>
  & Partial<Record<"posture_enforcement" | DeploysOwn, unknown>>;

/** The settings an admin asks for; refuses the deploy's own, a posture mode there is none of, and nothing at all. */
export function checkSettings(asked: { [K in keyof Asked]: Asked[K] | undefined }): Partial<AdminSettings> {
  const { machine_quota: _, address_pool: __, posture_enforcement, ...rest } = asked;
  const taken = deploysOwn.find((setting) => asked[setting] !== undefined);
  if (taken !== undefined) throw new ZtnaError("FORBIDDEN", `${taken} is not an admin's to set`);
  const given = Object.entries({ ...rest, posture_enforcement: postureMode(posture_enforcement) })
    .filter(([, value]) => value !== undefined);
  if (given.length === 0) throw new ZtnaError("INVALID_INPUT", "At least one setting must be provided");
  return Object.fromEntries(given);
}

function postureMode(value: unknown): AdminSettings["posture_enforcement"] | undefined {
  if (value === undefined) return undefined;
  const parsed = v.safeParse(orgSettingsSchema.entries.posture_enforcement, value);
  if (parsed.success) return parsed.output;
  throw new ZtnaError("INVALID_VALUE", "posture_enforcement must be enforce, monitor or disabled");
}
