import * as v from "valibot";

const flag = (field: string) => v.optional(v.boolean(`posture.${field} must be true or false`));
const text = (field: string) => v.optional(v.pipe(v.string(`posture.${field} must be a string`), v.maxLength(200)));

/** How well a machine is kept, as it says itself (contract 7.1); absent means unknown. */
export const postureSchema = v.object({
  os_version: text("os_version"),
  disk_encrypted: flag("disk_encrypted"),
  firewall_enabled: flag("firewall_enabled"),
  antivirus_enabled: flag("antivirus_enabled"),
  antivirus_name: text("antivirus_name"),
  /** ISO 8601. */
  last_patch_date: v.optional(
    v.pipe(v.string(), v.check((date) => !Number.isNaN(Date.parse(date)), "posture.last_patch_date must be a date")),
  ),
}, "posture must be an object");
export type Posture = v.InferOutput<typeof postureSchema>;
