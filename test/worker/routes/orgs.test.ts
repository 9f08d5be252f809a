import { describe, expect, it } from "vitest";
import { call } from "#protocol/api/call.ts";
import { createOrg, userOrgs } from "#protocol/api/orgs.ts";
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
