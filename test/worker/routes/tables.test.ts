import { SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { listOrganizations, listOrgMembers } from "#protocol/api/tables.ts";
import { call } from "#protocol/api/call.ts";
import { base, foundOrg, type ReceivedEnvelope, selfFetch, signUpSomeone } from "../support/api.ts";

async function read(query: string, token: string) {
  const response = await SELF.fetch(`${base}/api/db/${query}`, { headers: { authorization: `Bearer ${token}` } });
  const { data, error } = await response.json<ReceivedEnvelope>();
  return { status: response.status, data, error };
}

describe("the table API", () => {
  it("takes the org both bare and with eq., and shows its rows", async () => {
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
