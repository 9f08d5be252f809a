import { env, runDurableObjectAlarm, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import { listMachines, listOrgSettings } from "#protocol/api/tables.ts";
import { Stream } from "../org/inbox.ts";
import { inStorage, memberOf } from "../org/members.ts";
import { enrol, makeKey, newInstallation, newOrg, type Org, orgStub } from "../org/support.ts";
import { base, post, selfFetch } from "../support/api.ts";

async function update({ orgId, token }: Org, settings: object) {
  const body = { action: "update_org_settings", org_id: orgId, ...settings };
  const { status, envelope } = await post("/api/org-management", body, { authorization: `Bearer ${token}` });
  return { status, data: envelope.data, code: envelope.error?.code, message: envelope.error?.message };
}

async function read({ orgId, token }: Org) {
  return (await call(selfFetch, base, listOrgSettings, { org_id: orgId }, { token }))[0];
}

async function audits({ orgId }: Org) {
  for (let times = 0; times < 5; times++) await runDurableObjectAlarm(orgStub(orgId));
  const { results } = await env.DB.prepare("SELECT * FROM audit_logs WHERE org_id = ? AND action = 'settings.updated'")
    .bind(orgId).all<{ details: string; user_id: string; resource_type: string; resource_id: string }>();
  return results.map((row) => ({ ...row, details: JSON.parse(row.details) as unknown }));
}

describe("POST /api/org-management update_org_settings", () => {
  it("sets what is given and leaves the rest, which the table org_settings shows", async () => {
    const org = await newOrg();
    expect(await read(org)).toMatchObject({
      allow_exit_nodes: false,
      allow_subnet_routing: true,
      key_expiry_days: 180,
    });
    const settings = {
      allow_exit_nodes: true,
      key_expiry_days: 30,
      posture_enforcement: "monitor",
      reregistration: "machine_key",
      approval_required: true,
      disable_offloads: true,
    };
    expect(await update(org, settings)).toMatchObject({ status: 200, data: { updated: true } });
    expect(await read(org)).toMatchObject({ ...settings, allow_subnet_routing: true });
  });

  it("leaves one audit record of what has changed, and none when nothing has", async () => {
    const org = await newOrg();
    const settings = { allow_exit_nodes: false, key_expiry_days: 90 };
    for (let times = 0; times < 2; times++) expect(await update(org, settings)).toMatchObject({ status: 200 });
    expect(await audits(org)).toMatchObject([
      { resource_type: "org", resource_id: org.orgId, details: { key_expiry_days: 90 } },
    ]);
  });

  it("refuses a posture_enforcement of no mode with INVALID_VALUE", async () => {
    const org = await newOrg();
    for (const posture_enforcement of ["strict", "", 1, null]) {
      expect(await update(org, { posture_enforcement })).toMatchObject({ status: 400, code: "INVALID_VALUE" });
    }
    expect(await read(org)).toMatchObject({ posture_enforcement: "disabled" });
  });

  it("refuses mistyped settings, days out of 1 to 365, and none at all with INVALID_INPUT", async () => {
    const org = await newOrg();
    for (const key_expiry_days of [0, 366, 1.5, "90", null]) {
      expect(await update(org, { key_expiry_days })).toMatchObject({
        status: 400,
        code: "INVALID_INPUT",
        message: "key_expiry_days must be an integer between 1 and 365",
      });
    }
    for (const wrong of [{ allow_exit_nodes: "yes" }, { disable_offloads: 1 }, { reregistration: "never" }, {}]) {
      expect(await update(org, wrong)).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    }
    expect(await update({ ...org, orgId: undefined as never }, {})).toMatchObject({
      status: 400,
      code: "MISSING_FIELDS",
    });
  });

  it("is FORBIDDEN for what the deploy decides, for members, auditors and strangers", async () => {
    const org = await newOrg();
    const settings = { allow_exit_nodes: true };
    for (const own of [{ machine_quota: 1_000_000 }, { address_pool: "10.0.0.0/8" }, { machine_quota: null }]) {
      expect(await update(org, { ...settings, ...own })).toMatchObject({ status: 403, code: "FORBIDDEN" });
    }
    for (const role of ["member", "auditor"] as const) {
      expect(await update(await memberOf(org, role), settings)).toMatchObject({
        status: 403,
        code: "FORBIDDEN",
        message: "Admin required",
      });
    }
    const stranger = { orgId: org.orgId, token: (await newOrg()).token };
    expect(await update(stranger, settings)).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(await update({ ...org, token: "nonsense" }, settings)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(await read(org)).toMatchObject({ allow_exit_nodes: false, machine_quota: null });
    expect(await update(await memberOf(org, "admin"), settings)).toMatchObject({ status: 200 });
  });

  it("tells agents of what shows in their maps at once, and of nothing else", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const installation = await newInstallation();
    const machine = await enrol(key, "a", await installation.proof(key, "a"));
    const { stream, map } = await Stream.joined(machine.node_key, installation.wireguardPublicKey);
    await update(org, { approval_required: true, reregistration: "machine_key" });
    await update(org, { disable_offloads: true });
    const after = await stream.takeMap();
    expect(after.seq).toBeGreaterThan(map.seq);
    expect(after.self.disable_offloads).toBe(true);
  });

  it("ends keys that are too old for the new key_expiry_days at once, and lets them in again", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "old");
    await inStorage(org.orgId, "UPDATE machines SET key_created_at = key_created_at - 40 * 86400000");
    await enrol(key, "new");
    const expired = async () => {
      const machines = await call(selfFetch, base, listMachines, { org_id: org.orgId }, { token: org.token });
      return machines.filter(({ key_expired }) => key_expired).map(({ name }) => name);
    };
    await call(selfFetch, base, updateOrgSettings, { org_id: org.orgId, key_expiry_days: 30 }, { token: org.token });
    expect(await expired()).toEqual(["old"]);
    await update(org, { key_expiry_days: 60 });
    expect(await expired()).toEqual([]);
  });
});

describe("PATCH /api/db/org_settings", () => {
  async function patch({ orgId, token }: Org, settings: object) {
    const response = await SELF.fetch(`${base}/api/db/org_settings?org_id=eq.${orgId}`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...settings, _filters: { org_id: orgId } }),
    });
    const { data, error } = await response.json<{ data: unknown; error: { code: string } | null }>();
    return { status: response.status, data, code: error?.code };
  }

  it("sets the same with the same refusals", async () => {
    const org = await newOrg();
    expect(await patch(org, { allow_exit_nodes: true, made_up: 1 })).toMatchObject({
      status: 200,
      data: { changes: 1 },
    });
    expect(await read(org)).toMatchObject({ allow_exit_nodes: true });
    expect(await patch(org, { posture_enforcement: "strict" })).toMatchObject({ status: 400, code: "INVALID_VALUE" });
    expect(await patch(org, { key_expiry_days: 0 })).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    expect(await patch(org, { address_pool: "10.0.0.0/8" })).toMatchObject({ status: 403, code: "FORBIDDEN" });
    expect(await patch(await memberOf(org, "member"), { allow_exit_nodes: false })).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
    });
    expect(await read(org)).toMatchObject({ allow_exit_nodes: true, key_expiry_days: 180, address_pool: null });
  });
});
