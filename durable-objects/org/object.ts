import { DurableObject } from "cloudflare:workers";
import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { Machine } from "#protocol/api/machines.ts";
import type { OrgSettings } from "#protocol/api/orgs.ts";
import type { Reply } from "#protocol/errors.ts";
import type { OrgId } from "#protocol/ids.ts";

const refusal = { ok: false, code: "UNAVAILABLE", message: "Not there", details: {} } as const;

export class OrgObject extends DurableObject<Env> {
  initialize(_org: { id: OrgId; name: string; slug: string }): Reply<null> {
    return { ok: true, value: null };
  }
  listMachines(): Reply<Machine[]> {
    return refusal;
  }
  listAuthKeys(): Reply<AuthKey[]> {
    return refusal;
  }
  readSettings(): Reply<OrgSettings> {
    return refusal;
  }
}
