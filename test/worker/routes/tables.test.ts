import { env, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import type { Role } from "#protocol/api/orgs.ts";
import {
  listAuthKeys,
  listMachines,
  listOrganizations,
  listOrgMembers,
  listOrgSettings,
} from "#protocol/api/tables.ts";
import type { OrgId } from "#protocol/ids.ts";
import { base, foundOrg, type ReceivedEnvelope, selfFetch, signUpSomeone } from "../support/api.ts";

async function read(query: string, token: string) {
  const response = await SELF.fetch(`${base}/api/db/${query}`, { headers: { authorization: `Bearer ${token}` } });
  const { data, error } = await response.json<ReceivedEnvelope>();
  return { status: response.status, data, error };
}

describe("the table API", () => {
  it("takes the org of GET /api/db/organizations and GET /api/db/org_members both bare and with eq., and shows its rows", async () => {
    const { session: { token, user }, orgId, slug } = await foundOrg();
    for (const org_id of [orgId, `eq.${orgId}`]) {
      expect(await call(selfFetch, base, listOrganizations, { org_id }, { token })).toMatchObject([{
        id: orgId,
        slug,
      }]);
      expect(await call(selfFetch, base, listOrgMembers, { org_id }, { token })).toMatchObject([
        { org_id: orgId, user_id: user.id, role: "owner" },
      ]);
    }
  });

  it("filters, picks columns and limits", async () => {
    const { session: { token }, orgId, slug } = await foundOrg();
    const org = `organizations?org_id=${orgId}`;
    expect((await read(`${org}&slug=eq.${slug}&select=slug`, token)).data).toEqual([{ slug }]);
    expect((await read(`${org}&slug=eq.other`, token)).data).toEqual([]);
    expect((await read(`${org}&domain=eq.null&limit=0`, token)).data).toEqual([]);
  });

  it("refuses strangers, unknown orgs, tables, columns, operators and limits", async () => {
    const { session: { token }, orgId } = await foundOrg();
    const stranger = await signUpSomeone();
    const org = `organizations?org_id=${orgId}`;
    const cases: [string, string, number, string, string][] = [
      [org, stranger.token, 403, "FORBIDDEN", "Not a member"],
      [`machines?org_id=${orgId}`, stranger.token, 403, "FORBIDDEN", "Not a member"],
      [`machines?org_id=${crypto.randomUUID()}`, token, 403, "FORBIDDEN", "Not a member"],
      ["machines", token, 400, "MISSING_FIELDS", "org_id required"],
      ["machines?org_id=eq.x", token, 400, "INVALID_INPUT", "org_id must be a UUID"],
      [`users?org_id=${orgId}`, token, 404, "NOT_FOUND", "Unknown table: users"],
      [`__proto__?org_id=${orgId}`, token, 404, "NOT_FOUND", "Unknown table: __proto__"],
      [`${org}&passwd=eq.x`, token, 400, "INVALID_INPUT", "Unknown column: passwd"],
      [`${org}&select=id,passwd`, token, 400, "INVALID_INPUT", "Unknown column: passwd"],
      [`${org}&order=passwd.desc`, token, 400, "INVALID_INPUT", "Unknown column: passwd"],
      [`${org}&name=like.x`, token, 400, "INVALID_INPUT", "Unknown operator: like.x. Only eq.<value> is understood."],
      [`${org}&limit=many`, token, 400, "INVALID_INPUT", "limit must be a whole number"],
    ];
    for (const [query, who, status, code, message] of cases) {
      expect(await read(query, who)).toEqual({ status, data: null, error: { code, message } });
    }
    expect((await read(org, "garbage")).status).toBe(401);
  });
});

describe("the tables of an org's network", () => {
  async function orgWithMachines() {
    const { session: { token }, orgId: org_id } = await foundOrg();
    const made = { org_id: org_id as OrgId, name: "servers", reusable: true };
    const { key, id } = await call(selfFetch, base, createAuthKey, made, { token });
    for (const name of ["beta", "alpha", "gamma"]) {
      await call(selfFetch, base, registerMachine, { auth_key: key, name, os: "linux" });
    }
    return { token, org_id, keyId: id };
  }

  async function join(org_id: string, role: Role): Promise<string> {
    const { token, user } = await signUpSomeone();
    await env.DB.prepare("INSERT INTO org_members VALUES (?, ?, ?, ?)").bind(org_id, user.id, role, 0).run();
    return token;
  }

  it("are fresh in GET /api/db/machines the moment a machine has registered, ordered as asked", async () => {
    const { token, org_id, keyId } = await orgWithMachines();
    const names = async (query: string) =>
      ((await read(`machines?org_id=${org_id}&${query}`, token)).data as { name: string }[]).map(({ name }) => name);
    expect(await names("order=name")).toEqual(["alpha", "beta", "gamma"]);
    expect(await names("order=name.desc&limit=2")).toEqual(["gamma", "beta"]);
    expect(await names("order=tailnet_ip&ascending=false")).toEqual(["gamma", "alpha", "beta"]);
    expect(await names("name=eq.beta&ephemeral=eq.false&os=eq.linux")).toEqual(["beta"]);
    const machines = await call(selfFetch, base, listMachines, { org_id }, { token });
    expect(new Set(machines.map(({ auth_key_id }) => auth_key_id))).toEqual(new Set([keyId]));
    const [key] = await call(selfFetch, base, listAuthKeys, { org_id, revoked: "eq.false" }, { token });
    expect(key).toMatchObject({ id: keyId, name: "servers", used_count: 3 });
    expect(await call(selfFetch, base, listOrgSettings, { org_id }, { token })).toMatchObject([{ org_id }]);
  });

  it("show no secret in GET /api/db/machines, GET /api/db/auth_keys or GET /api/db/org_settings, whatever is asked for", async () => {
    const { token, org_id } = await orgWithMachines();
    const answers = await Promise.all(
      ["machines", "auth_keys", "org_settings"].map((table) => read(`${table}?org_id=${org_id}`, token)),
    );
    expect(JSON.stringify(answers)).not.toMatch(/hash|secret|private|node_key|[0-9a-f]{64}/);
  });

  it("are open to every member, but GET /api/db/auth_keys to owner and admin only", async () => {
    const { org_id } = await orgWithMachines();
    for (const role of ["admin", "member", "auditor"] as const) {
      const token = await join(org_id, role);
      expect(await call(selfFetch, base, listMachines, { org_id }, { token })).toHaveLength(3);
      const keys = await read(`auth_keys?org_id=${org_id}`, token);
      if (role === "admin") expect(keys.data).toHaveLength(1);
      else expect(keys).toEqual({ status: 403, data: null, error: { code: "FORBIDDEN", message: "Admin required" } });
    }
  });

  it("never mix orgs", async () => {
    const [one, other] = [await orgWithMachines(), await foundOrg()];
    const mine = await read(`machines?org_id=${other.orgId}`, other.session.token);
    expect(mine).toEqual({ status: 200, data: [], error: null });
    expect((await read(`machines?org_id=${one.org_id}`, other.session.token)).status).toBe(403);
    expect((await read(`machines?org_id=${other.orgId}&org_id=${one.org_id}`, other.session.token)).data).toEqual([]);
  });
});
