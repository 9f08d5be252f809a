import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { isIpPrefix } from "#domain/addressing/ip-prefix.ts";
import { mintRoutedSecret, RANDOM_BYTES, secretHash } from "#domain/secrets/routed-secret.ts";
import { AUTH_KEY_DEFAULT_DAYS, createAuthKey, previewRevokeAuthKey, revokeAuthKey } from "#protocol/api/auth-keys.ts";
import type { RequestOf } from "#protocol/api/endpoint.ts";
import { ZtnaError } from "#protocol/errors.ts";
import { type AuthKeyId, orgRoutingTag } from "#protocol/ids.ts";
import { AUTH_KEY_PREFIX, authKeyShortForm } from "#protocol/keys.ts";
import { requireRole } from "../auth/require-role.ts";
import type { AppEnv } from "../context.ts";
import { mountActions } from "../http/mount.ts";
import { unwrap } from "../http/unwrap.ts";

const DAY_S = 86_400;

export function keyManagementRoutes(app: Hono<AppEnv>): void {
  mountActions(app, [
    [createAuthKey, async (input, c) => {
      await requireRole(c, input.org_id, "admin");
      const wrong = input.allowed_cidrs.find((cidr) => !isIpPrefix(cidr));
      if (wrong !== undefined) {
        throw new ZtnaError("INVALID_INPUT", `allowed_cidrs: not an IP prefix: ${wrong.slice(0, 50)}`);
      }
      const lifetimeS = lifetimeOf(input);
      const tag = orgRoutingTag(input.org_id);
      const digits = mintRoutedSecret(c.get("config").secret, "auth-key", tag, randomBytes(RANDOM_BYTES));
      const key = AUTH_KEY_PREFIX + digits;
      const row = unwrap(
        await c.env.ORG.getByName(tag).createAuthKey({
          id: crypto.randomUUID() as AuthKeyId,
          hash: secretHash(digits),
          keyPrefix: authKeyShortForm(key),
          name: input.name,
          reusable: input.reusable,
          ephemeral: input.ephemeral,
          lifetimeS,
          allowedTags: input.allowed_tags,
          allowedCidrs: input.allowed_cidrs,
          createdBy: c.get("user").id,
        }),
      );
      const { id, key_prefix, name, reusable, ephemeral, expires_at, allowed_tags, allowed_cidrs } = row;
      const expiry_days = Math.ceil(lifetimeS / DAY_S);
      return { id, key, key_prefix, name, reusable, ephemeral, expiry_days, expires_at, allowed_tags, allowed_cidrs };
    }],

    [previewRevokeAuthKey, async ({ org_id, key_id }, c) => {
      await requireRole(c, org_id, "admin");
      const org = c.env.ORG.getByName(orgRoutingTag(org_id));
      return { key_id, machines_to_quarantine: unwrap(await org.countMachinesOfKey(key_id)) };
    }],

    [revokeAuthKey, async ({ org_id, key_id }, c) => {
      await requireRole(c, org_id, "admin");
      const org = c.env.ORG.getByName(orgRoutingTag(org_id));
      const { machinesQuarantined } = unwrap(await org.revokeAuthKey(key_id, c.get("user").id));
      return { revoked: key_id, machines_quarantined: machinesQuarantined };
    }],
  ]);
}

/** Seconds. */
function lifetimeOf({ expiry_days, expires_in }: RequestOf<typeof createAuthKey>): number {
  if (expires_in === undefined) return (expiry_days ?? AUTH_KEY_DEFAULT_DAYS) * DAY_S;
  if (expiry_days === undefined) return expires_in;
  throw new ZtnaError("INVALID_INPUT", "Give expiry_days or expires_in, not both");
}
