import { env, listDurableObjectIds, runInDurableObject, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { AUTH_KEY_PREFIX } from "#protocol/keys.ts";
import { enrol, makeKey, newInstallation, newOrg, type Org, orgStub, outcome } from "../org/support.ts";
import { base, post } from "../support/api.ts";

const path = "/api/register-machine";

async function registerRaw(body: unknown, headers: Record<string, string> = {}) {
  const { status, envelope, response } = await post(path, body, headers);
  return { status, code: envelope.error?.code ?? "ok", message: envelope.error?.message, response };
}

async function setOrg(org: Org, statement: string): Promise<void> {
  await runInDurableObject(orgStub(org.orgId), (_, state) => {
    state.storage.sql.exec(statement);
  });
}

async function usedCount(org: Org): Promise<number | undefined> {
  const keys = await orgStub(org.orgId).listAuthKeys();
  return keys.ok ? keys.value[0]?.used_count : undefined;
}

describe("POST /api/register-machine", () => {
  it("answers what the contract lists and makes a key pair for a caller without one", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const machine = await enrol(key, "Linux-C", { os: "linux", version: "0.1.0" });
    expect(machine).toMatchObject({
      tailnet_ip: "100.64.0.1",
      org_id: org.orgId,
      name: "Linux-C",
      status: "online",
      refresh_token: "",
      expires_in: 86_400,
      reactivated: false,
    });
    expect(machine.node_key).toMatch(/^[0-9a-f]{64}$/);
    expect(machine.wg_public_key).toMatch(/^.{43}=$/);
    expect(machine.wg_private_key).toMatch(/^.{43}=$/);
    const [header, payload] = machine.token.split(".");
    expect(JSON.parse(atob(header!))).toMatchObject({ alg: "HS256" });
    expect(JSON.parse(atob(payload!))).toMatchObject({ sub: machine.machine_id });
    const { value: [listed] } = await orgStub(org.orgId).listMachines() as { value: unknown[] };
    expect(listed).toMatchObject({ os: "linux", version: "0.1.0", public_key: machine.wg_public_key });
  });

  it("keeps the posture that was sent, until another is, and answers posture_compliant without a policy that says no", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const posture = { os_version: "12.4", disk_encrypted: false, last_patch_date: "2026-03-01" };
    const stored = () =>
      runInDurableObject(
        orgStub(org.orgId),
        (_, { storage }) => storage.sql.exec<{ posture: string | null }>("SELECT posture FROM machines").one().posture,
      );
    expect(await enrol(key, "host", { posture })).toMatchObject({ posture_compliant: true });
    expect(JSON.parse((await stored())!)).toEqual(posture);
    expect(await enrol(key, "host")).not.toHaveProperty("posture_compliant");
    expect(JSON.parse((await stored())!)).toEqual(posture);
    await enrol(key, "host", { posture: { disk_encrypted: true } });
    expect(JSON.parse((await stored())!)).toEqual({ disk_encrypted: true });
  });

  it("keeps id and address for the same name, replaces the keys and counts a use", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const first = await enrol(key, "host");
    const second = await enrol(key, "host");
    expect(second).toMatchObject({ machine_id: first.machine_id, tailnet_ip: first.tailnet_ip, reactivated: true });
    expect(second.node_key).not.toBe(first.node_key);
    expect(second.wg_public_key).not.toBe(first.wg_public_key);
    expect(await usedCount(org)).toBe(2);
  });

  it("gives a machine whose answer was lost the same machine, with a used single-use key, at no cost", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org, { reusable: false });
    const installation = await newInstallation();
    const first = await enrol(key, "host", await installation.proof(key, "host"));
    const again = await enrol(key, "host", await installation.proof(key, "host"));
    expect(again).toMatchObject({ machine_id: first.machine_id, tailnet_ip: first.tailnet_ip, wg_private_key: "" });
    expect(await usedCount(org)).toBe(1);
    const stranger = await newInstallation();
    expect(await outcome(enrol(key, "host", await stranger.proof(key, "host")))).toBe("KEY_USED");
    expect(await outcome(enrol(key, "other"))).toBe("KEY_USED");
  });

  it("grants only the tags its key allows, without their prefix", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org, { allowed_tags: ["tag:production", "web"] });
    await enrol(key, "host", { tags: ["tag:web", "db", "production", "production"] });
    const listed = await orgStub(org.orgId).listMachines();
    expect(listed.ok && listed.value[0]?.tags).toEqual(["web", "production"]);
  });

  it("leases the lowest free address of the org's pool, without network, broadcast and resolver", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await setOrg(org, "UPDATE org SET address_pool = '10.9.8.4/30'");
    expect((await enrol(key, "a")).tailnet_ip).toBe("10.9.8.5");
    expect((await enrol(key, "b")).tailnet_ip).toBe("10.9.8.6");
    expect(await outcome(enrol(key, "c"))).toBe("QUOTA_EXCEEDED");
    await setOrg(org, "UPDATE org SET address_pool = '100.100.100.99/29', leased_pool = ''");
    const leased = [];
    for (const name of ["d", "e", "f", "g", "h"]) leased.push((await enrol(key, name)).tailnet_ip);
    expect(leased).toEqual(["97", "98", "99", "101", "102"].map((last) => `100.100.100.${last}`));
  });

  it("does not free a quarantined machine", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "host");
    await setOrg(org, "UPDATE machines SET status = 'quarantined'");
    expect((await enrol(key, "host")).status).toBe("quarantined");
  });
});

describe("POST /api/register-machine refuses", () => {
  it("a missing field with MISSING_FIELDS, a mistyped one with INVALID_INPUT, no JSON with INVALID_JSON, a huge body", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const refusals: [unknown, number, string][] = [
      ["{", 400, "INVALID_JSON"],
      ["", 400, "INVALID_JSON"],
      ["[]", 400, "INVALID_JSON"],
      ["null", 400, "INVALID_JSON"],
      [{ name: "x" }, 400, "MISSING_FIELDS"],
      [{ auth_key: key }, 400, "MISSING_FIELDS"],
      [{ auth_key: key, hostname: "x" }, 400, "MISSING_FIELDS"],
      [{ auth_key: key, name: 7 }, 400, "INVALID_INPUT"],
      [{ auth_key: { $ne: 1 }, name: "x" }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", tags: "web" }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", tags: [1] }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", os: "x".repeat(101) }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", wireguard_public_key: "short" }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", posture: "good" }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", posture: { disk_encrypted: "yes" } }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", posture: { last_patch_date: "lately" } }, 400, "INVALID_INPUT"],
      [{ auth_key: key, name: "x", machine_key: "0".repeat(64) }, 400, "MISSING_FIELDS"],
      [{ auth_key: key, name: "x", padding: "x".repeat(70_000) }, 413, "PAYLOAD_TOO_LARGE"],
    ];
    for (const [body, status, code] of refusals) {
      expect(await registerRaw(body), JSON.stringify(body).slice(0, 80)).toMatchObject({ status, code });
    }
    expect(await registerRaw({ auth_key: key, name: "x", unknown: { deep: [1] } })).toMatchObject({ status: 200 });
    expect((await SELF.fetch(base + path)).status).toBe(405);
    expect(await usedCount(org)).toBe(1);
  });

  it("a name that is empty, too long or has nothing valid in it with INVALID_INPUT", async () => {
    const { key } = await makeKey(await newOrg());
    for (const name of ["", "x".repeat(101), "\u0000\u0007\n", "日本", "\u202e", "---"]) {
      expect(await registerRaw({ auth_key: key, name }), name).toMatchObject({ status: 400 });
    }
    expect(await registerRaw({ auth_key: key, name: "x".repeat(101) })).toMatchObject({
      code: "INVALID_INPUT",
      message: "Name must be 1-100 characters",
    });
    expect(await registerRaw({ auth_key: key, name: "日本" })).toMatchObject({
      code: "INVALID_INPUT",
      message: "Name contains only invalid characters",
    });
    expect((await enrol(key, "we\u0000b\u001b[31m-1")).name).toBe("web31m-1");
  });

  it("a made-up key with INVALID_KEY, without touching any object", async () => {
    const { key } = await makeKey(await newOrg());
    const objects = await listDurableObjectIds(env.ORG);
    const last = key.endsWith("0") ? "1" : "0";
    const tagFlipped = key.slice(0, 52) + (key[52] === "0" ? "1" : "0") + key.slice(53);
    for (
      const auth_key of [
        "",
        "tskey-auth-",
        "nonsense",
        key.toUpperCase(),
        key.slice(AUTH_KEY_PREFIX.length),
        key.slice(0, -1) + last,
        tagFlipped,
        AUTH_KEY_PREFIX + "0".repeat(64),
      ]
    ) {
      expect(await registerRaw({ auth_key, name: "x" }), auth_key).toMatchObject({ status: 401, code: "INVALID_KEY" });
    }
    expect(await listDurableObjectIds(env.ORG)).toHaveLength(objects.length);
  });

  it("a key whose tag is genuine and whose rest is not with INVALID_KEY", async () => {
    const { key } = await makeKey(await newOrg());
    const digits = key.slice(AUTH_KEY_PREFIX.length);
    const auth_key = AUTH_KEY_PREFIX + "ab".repeat(20) + digits.slice(40);
    expect(await registerRaw({ auth_key, name: "x" })).toMatchObject({ status: 401, code: "INVALID_KEY" });
  });

  it("a revoked and an expired key with INVALID_KEY", async () => {
    const org = await newOrg();
    const revoked = await makeKey(org);
    await orgStub(org.orgId).revokeAuthKey(revoked.id, null as never);
    expect(await registerRaw({ auth_key: revoked.key, name: "x" })).toMatchObject({ status: 401, code: "INVALID_KEY" });
    const expired = await makeKey(org);
    await setOrg(org, "UPDATE auth_keys SET expires_at = 1");
    expect(await registerRaw({ auth_key: expired.key, name: "x" })).toMatchObject({ status: 401, code: "INVALID_KEY" });
  });

  it("an address outside the key's prefixes with IP_NOT_ALLOWED", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org, { allowed_cidrs: ["192.0.2.0/24", "2001:db8::/32"] });
    const from = (ip: string) => registerRaw({ auth_key: key, name: "x" }, { "cf-connecting-ip": ip });
    expect(await from("198.51.100.7")).toMatchObject({ status: 403, code: "IP_NOT_ALLOWED" });
    expect(await from("2001:db9::1")).toMatchObject({ status: 403, code: "IP_NOT_ALLOWED" });
    expect(await from("garbage")).toMatchObject({ status: 403, code: "IP_NOT_ALLOWED" });
    expect(await from("192.0.2.9")).toMatchObject({ status: 200 });
    expect(await from("2001:db8:7::1")).toMatchObject({ status: 200 });
    expect(await from("::ffff:192.0.2.9")).toMatchObject({ status: 200 });
  });

  it("one machine over the quota with QUOTA_EXCEEDED in the contract's words, while known names still come back", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "a");
    await setOrg(org, "UPDATE org SET machine_quota = 1");
    expect(await registerRaw({ auth_key: key, name: "b" })).toMatchObject({
      status: 403,
      code: "QUOTA_EXCEEDED",
      message: "Machine limit reached (1). Upgrade your plan.",
    });
    expect(await registerRaw({ auth_key: key, name: "a" })).toMatchObject({ status: 200 });
  });

  it("a machine key whose signature is another's, or over another name, with INVALID_INPUT", async () => {
    const { key } = await makeKey(await newOrg());
    const [mine, theirs] = [await newInstallation(), await newInstallation()];
    const proof = await mine.proof(key, "host");
    expect(await outcome(enrol(key, "elsewhere", proof))).toBe("INVALID_INPUT");
    const { machine_key_signature } = await theirs.proof(key, "host");
    expect(await outcome(enrol(key, "host", { ...proof, machine_key_signature }))).toBe("INVALID_INPUT");
    expect(await outcome(enrol(key, "host", { ...proof, machine_key: "0".repeat(64) as never }))).toBe("INVALID_INPUT");
    expect(await outcome(enrol(key, "host", proof))).toBe("ok");
  });

  it("another installation's name under a strict org setting with REGISTRATION_CONFLICT", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const mine = await newInstallation();
    await enrol(key, "host", await mine.proof(key, "host"));
    await setOrg(org, "UPDATE org SET reregistration = 'machine_key'");
    expect(await registerRaw({ auth_key: key, name: "host" })).toMatchObject({
      status: 409,
      code: "REGISTRATION_CONFLICT",
    });
    expect(await outcome(enrol(key, "host", await mine.proof(key, "host")))).toBe("ok");
  });
});
