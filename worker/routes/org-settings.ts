import { checkSettings } from "#domain/org/settings.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import { orgRoutingTag } from "#protocol/ids.ts";
import { requireRole } from "../auth/require-role.ts";
import { actions } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

export const orgSettingsActions = actions([
  [updateOrgSettings, async ({ org_id, ...asked }, c) => {
    await requireRole(c, org_id, "admin");
    const org = c.env.ORG.getByName(orgRoutingTag(org_id));
    unwrap(await org.updateSettings(checkSettings(asked), c.get("user").id));
    return { updated: true as const };
  }],
]);
