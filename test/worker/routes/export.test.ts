import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { enrol, makeKey, newOrg, type Org } from "../org/support.ts";
import { post, signUpSomeone } from "../support/api.ts";

async function ask(org: Org, action: string, more: object = {}, token: string | undefined = org.token) {
  const headers: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` };
  const { status, envelope } = await post("/api/export", { action, org_id: org.orgId, ...more }, headers);
  return {
    status,
    data: envelope.data as Record<string, unknown>,
    code: envelope.error?.code,
    message: envelope.error?.message,
  };
}

async function join(org: Org, role: string): Promise<string> {
  const { token, user } = await signUpSomeone();
  await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)")
    .bind(org.orgId, user.id, role).run();
  return token;
}

describe("POST /api/export machines", () => {
  it("answers every machine, as JSON or as CSV with the header of the contract", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const { machine_id } = await enrol(key, "Linux-C", { os: "linux", tags: ["web", "eu"] });
    await enrol((await makeKey(await newOrg())).key, "foreign");
    const json = await ask(org, "machines");
    expect(json.data).toMatchObject({ count: 1, machines: [{ id: machine_id, advertised_routes: [] }] });
    const [machine] = json.data["machines"] as Record<string, unknown>[];
    expect(Object.keys(machine!)).toEqual(expect.arrayContaining(["public_key", "advertised_routes", "created_at"]));
    const { data } = await ask(org, "machines", { format: "csv" });
    expect(data).toEqual({
      count: 1,
      csv: "id,name,tailnet_ip,os,status,last_seen,has_key,tags\n" +
        `${machine_id},Linux-C,100.64.0.1,linux,online,${machine!["last_seen"]},true,web eu\n`,
    });
  });

  it("runs no formula in the spreadsheet that opens it", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "host", { os: `=HYPERLINK("http://x")` });
    const { data } = await ask(org, "machines", { format: "csv" });
    expect(data["csv"]).toContain(`"'=HYPERLINK(""http://x"")"`);
  });
});

describe("POST /api/export audit_logs", () => {
  it("answers the records of the last days, as JSON or as CSV with the header of the contract", async () => {
    const org = await newOrg();
    const { id } = await makeKey(org, { name: "a,b" });
    const json = await ask(org, "audit_logs");
    expect(json.data).toMatchObject({ count: 1, logs: [{ action: "auth_key.created", resource_id: id }] });
    const { data } = await ask(org, "audit_logs", { format: "csv", days: 1 });
    const [header, row] = String(data["csv"]).split("\n");
    expect(header).toBe("id,action,resource_type,resource_id,user_id,created_at,details");
    expect(row).toContain(`,auth_key.created,auth_key,${id},`);
    expect(row).toContain(`""name"":""a,b""`);
    expect(await ask(org, "audit_logs", { days: 0 })).toMatchObject({
      status: 400,
      code: "INVALID_INPUT",
      message: "days must be a whole number from 1 to 3650",
    });
  });
});

describe.each(["machines", "audit_logs"])("POST /api/export %s", (action) => {
  it("is refused without a token, to strangers, to members and auditors, and with mistyped fields", async () => {
    const org = await newOrg();
    expect(await ask(org, action, {}, "")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(await ask(org, action, {}, (await signUpSomeone()).token)).toMatchObject({
      status: 403,
      message: "Not a member",
    });
    for (const role of ["member", "auditor"]) {
      expect(await ask(org, action, {}, await join(org, role))).toMatchObject({
        status: 403,
        message: "Admin required",
      });
    }
    expect(await ask(org, action, { org_id: undefined })).toMatchObject({
      code: "MISSING_FIELDS",
      message: "org_id required",
    });
    expect(await ask(org, action, { format: "xml" })).toMatchObject({ status: 400, code: "INVALID_INPUT" });
  });

  it("is open to admins", async () => {
    const org = await newOrg();
    expect((await ask(org, action, {}, await join(org, "admin"))).status).toBe(200);
  });
});

it("POST /api/export refuses another action with UNKNOWN_ACTION", async () => {
  expect(await ask(await newOrg(), "users")).toMatchObject({
    code: "UNKNOWN_ACTION",
    message: "Unknown action: users",
  });
});
