import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { createOrg, updateOrg, userOrgs } from "#protocol/api/orgs.ts";
import { newOrg } from "../org/support.ts";
import { join, manage } from "../support/members.ts";
import { base, foundOrg, selfFetch, signUpSomeone } from "../support/api.ts";

describe("POST /api/org-management create", () => {
  it("makes its founder the owner, as GET /api/user-orgs says", async () => {
    const { session, orgId } = await foundOrg("Lab");
    const orgs = await call(selfFetch, base, userOrgs, {}, { token: session.token });
    expect(orgs).toMatchObject([{ id: orgId, name: "Lab", slug: "lab", role: "owner" }]);
  });

  it("gives a second org of the same name a slug of its own", async () => {
    const { token } = await signUpSomeone();
    const first = await call(selfFetch, base, createOrg, { name: "Twin" }, { token });
    const second = await call(selfFetch, base, createOrg, { name: "Twin" }, { token });
    expect(first.slug).toBe("twin");
    expect(second.slug).toMatch(/^twin-[0-9a-f]{6}$/);
  });

  it("gives many at once of the same name a slug each", async () => {
    const { token } = await signUpSomeone();
    const orgs = await Promise.all(
      Array.from({ length: 10 }, () => call(selfFetch, base, createOrg, { name: "Crowd" }, { token })),
    );
    expect(new Set(orgs.map((org) => org.slug)).size).toBe(10);
    expect(await call(selfFetch, base, userOrgs, {}, { token })).toHaveLength(10);
  });

  it("is refused without a name and without a session", async () => {
    const { token } = await signUpSomeone();
    await expect(call(selfFetch, base, createOrg, { name: " " }, { token })).rejects.toMatchObject({
      code: "MISSING_FIELDS",
      message: "name required",
    });
    await expect(call(selfFetch, base, createOrg, { name: "x" })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});

describe("POST /api/org-management update_org", () => {
  it("changes name and domain, never the slug, and puts it on record", async () => {
    const org = await newOrg();
    const { token } = org;
    const update = (changes: object) => call(selfFetch, base, updateOrg, { org_id: org.orgId, ...changes }, { token });
    const before = (await call(selfFetch, base, userOrgs, {}, { token }))[0]!;
    expect(await update({ name: " Apex ", domain: "Apex.Example" })).toMatchObject({
      name: "Apex",
      domain: "apex.example",
      slug: before.slug,
    });
    expect(await update({ domain: "" })).toMatchObject({ name: "Apex", domain: null });
    const { results } = await env.DB.prepare("SELECT action, details FROM audit_logs WHERE org_id = ? ORDER BY rowid")
      .bind(org.orgId).all();
    expect(results).toEqual([
      { action: "organization.updated", details: '{"name":"Apex","domain":"apex.example"}' },
      { action: "organization.updated", details: '{"domain":null}' },
    ]);
  });

  it.each([
    [{}, "MISSING_FIELDS", "name or domain required"],
    [{ name: " " }, "MISSING_FIELDS", "name required"],
    [{ name: "x".repeat(101) }, "INVALID_INPUT", "name must be 1-100 characters"],
    [{ name: 7 }, "INVALID_INPUT", "name must be a string"],
    [{ domain: "no domain" }, "INVALID_INPUT", "domain must be a domain name such as example.com"],
  ])("refuses %j with %s", async (changes, code, message) => {
    expect(await manage(await newOrg(), "update_org", changes)).toMatchObject({ status: 400, code, message });
  });

  it("refuses members and other orgs' admins with FORBIDDEN, nobody with UNAUTHORIZED", async () => {
    const [org, other] = [await newOrg(), await newOrg()];
    const { token } = await join(org, "member");
    const rename = (token: string) => manage(org, "update_org", { name: "Mine" }, token);
    expect(await rename(token)).toMatchObject({ status: 403, message: "Admin required" });
    expect(await rename(other.token)).toMatchObject({ status: 403, message: "Not a member" });
    expect(await rename("nonsense")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
  });
});
