import { runInDurableObject } from "cloudflare:test";
import { describe, expect, inject, it } from "vitest";
import { clientSetup } from "#protocol/api/client-setup.ts";
import { call } from "#protocol/api/call.ts";
import { approveMachine } from "#protocol/api/machine-admin.ts";
import { machineHeartbeat } from "#protocol/api/machines.ts";
import type { OrgId } from "#protocol/ids.ts";
import { decodeJwt } from "jose";
import { Stream } from "../org/inbox.ts";
import {
  enrol,
  makeKey,
  newInstallation,
  newMember,
  newOrg,
  type Org,
  orgStub,
  outcome,
  setUp,
} from "../org/support.ts";
import { watch } from "../org/watcher.ts";
import { base, fetchWith, post, selfFetch, signUpSomeone } from "../support/api.ts";

const path = "/api/client-setup";

async function setupRaw(body: unknown, token?: string) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status, envelope } = await post(path, body, headers);
  return { status, code: envelope.error?.code ?? "ok", message: envelope.error?.message };
}

async function setOrg(org: Org, statement: string): Promise<void> {
  await runInDurableObject(orgStub(org.orgId), (_, state) => {
    state.storage.sql.exec(statement);
  });
}

async function machines(org: Org) {
  const listed = await orgStub(org.orgId).listMachines();
  return listed.ok ? listed.value : [];
}

function audits(org: Org) {
  return runInDurableObject(
    orgStub(org.orgId),
    (_, state) =>
      state.storage.sql.exec<{ user_id: string; details: string }>(
        "SELECT user_id, details FROM audit_outbox WHERE action = 'machine.self_service_setup' ORDER BY rev",
      ).toArray().map(({ user_id, details }) => ({ user_id, details: JSON.parse(details) as unknown })),
  );
}

describe("POST /api/client-setup", () => {
  it("gives a member a machine of their own, online at once, and records it", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "server");
    const member = await newMember(org);
    const machine = await setUp(org, member.token, "Laptop", { os: "linux", version: "0.1.0", tags: ["tag:mobile"] });
    expect(machine).toMatchObject({
      tailnet_ip: "100.64.0.2",
      org_id: org.orgId,
      name: "Laptop",
      status: "online",
      reactivated: false,
      expires_in: 86_400,
    });
    expect(decodeJwt(machine.token)).toMatchObject({ sub: machine.machine_id, org: org.orgId });
    expect((await machines(org))[1]).toMatchObject({
      owner_id: member.user.id,
      auth_key_id: null,
      ephemeral: false,
      tags: ["mobile"],
    });
    expect(await call(selfFetch, base, machineHeartbeat, { node_key: machine.node_key })).toMatchObject({
      status: "online",
      peers: [{ name: "server" }],
    });
    const details = { name: "Laptop", os: "linux", tailnet_ip: "100.64.0.2", peer_count: 1, reactivated: false };
    expect(await audits(org)).toEqual([{ user_id: member.user.id, details }]);
  });

  it("answers a configuration for wg-quick with everybody who is online", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    const server = await enrol(key, "server");
    const away = await enrol(key, "away");
    await call(selfFetch, base, machineHeartbeat, { node_key: server.node_key, endpoints: ["192.0.2.7:41641"] });
    await call(selfFetch, base, machineHeartbeat, { node_key: away.node_key, status: "offline" });
    const machine = await setUp(org, org.token, "laptop");
    expect(machine.wg_private_key).toMatch(/^.{43}=$/);
    expect(machine.wg_config).toBe(`[Interface]
PrivateKey = ${machine.wg_private_key}
Address = 100.64.0.3/32
DNS = 100.100.100.100

[Peer]
# server
PublicKey = ${server.wg_public_key}
AllowedIPs = 100.64.0.1/32
Endpoint = 192.0.2.7:41641
PersistentKeepalive = 25
`);
  });

  it("is the same machine for the same name and owner: id and address kept, keys replaced", async () => {
    const org = await newOrg();
    const member = await newMember(org);
    const first = await setUp(org, member.token, "laptop", { tags: ["web"] });
    const second = await setUp(org, member.token, "laptop");
    expect(second).toMatchObject({ machine_id: first.machine_id, tailnet_ip: first.tailnet_ip, reactivated: true });
    expect(second.node_key).not.toBe(first.node_key);
    expect(await machines(org)).toMatchObject([{ tags: ["web"], owner_id: member.user.id }]);
    expect(await outcome(call(selfFetch, base, machineHeartbeat, { node_key: first.node_key }))).toBe(
      "INVALID_NODE_KEY",
    );
  });

  it("is the same machine for the same machine key, whatever its name, also when an auth key enrolled it", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org, { ephemeral: true });
    const installation = await newInstallation();
    const first = await enrol(key, "host", await installation.proof(key, "host"));
    const member = await newMember(org);
    const proof = await installation.setupProof(org.orgId, member.user.id, "laptop");
    const second = await setUp(org, member.token, "laptop", proof);
    expect(second).toMatchObject({ machine_id: first.machine_id, name: "laptop", reactivated: true });
    expect(await machines(org)).toMatchObject([{ owner_id: member.user.id, auth_key_id: null, ephemeral: false }]);
  });

  it("refuses a name that is somebody else's with REGISTRATION_CONFLICT", async () => {
    const org = await newOrg();
    const { key } = await makeKey(org);
    await enrol(key, "server");
    const [a, b] = [await newMember(org), await newMember(org)];
    await setUp(org, a.token, "laptop");
    for (const name of ["laptop", "server"]) {
      expect(await setupRaw({ org_id: org.orgId, name }, b.token)).toMatchObject({
        status: 409,
        code: "REGISTRATION_CONFLICT",
        message: "This name belongs to another machine. Choose another name or ask an admin to free it.",
      });
    }
  });

  it("refuses another person's installation with REGISTRATION_CONFLICT", async () => {
    const org = await newOrg();
    const [a, b] = [await newMember(org), await newMember(org)];
    const installation = await newInstallation();
    await setUp(org, a.token, "laptop", await installation.setupProof(org.orgId, a.user.id, "laptop"));
    const theirs = setUp(org, b.token, "other", await installation.setupProof(org.orgId, b.user.id, "other"));
    expect(await outcome(theirs)).toBe("REGISTRATION_CONFLICT");
  });

  it("refuses the owner's own name with REGISTRATION_CONFLICT while another installation of it is connected", async () => {
    const org = await newOrg();
    const { user } = await newMember(org);
    const session = await newMember(org);
    const [old, young] = [await newInstallation(), await newInstallation()];
    const proof = await old.setupProof(org.orgId, session.user.id, "laptop");
    const machine = await setUp(org, session.token, "laptop", proof);
    await Stream.joined(machine.node_key, old.wireguardPublicKey);
    const other = await young.setupProof(org.orgId, session.user.id, "laptop");
    expect(await outcome(setUp(org, session.token, "laptop", other))).toBe("REGISTRATION_CONFLICT");
    expect(await outcome(setUp(org, session.token, "laptop", proof))).toBe("ok");
    // A signature is good for one person only.
    const foreign = await young.setupProof(org.orgId, user.id, "laptop-2");
    expect(await outcome(setUp(org, session.token, "laptop-2", foreign))).toBe("INVALID_INPUT");
  });

  it("that waits for approval is told to the org's admins, on their dashboards and once by mail", async () => {
    const org = await newOrg();
    await setOrg(org, "UPDATE org SET approval_required = 1");
    const [member, admin] = [await newMember(org), await newMember(org, "admin")];
    const dashboard = await watch(org, ["machines"], admin.token);
    const fetch = fetchWith({
      bindings: { ZTNA_MAIL_URL: `${inject("mailServer")}/pending`, ZTNA_MAIL_FROM: "noreply@ztna.test" },
    });
    const enrolled = { org_id: org.orgId as OrgId, name: "laptop" };
    for (const _ of ["first", "again"]) await call(fetch, base, clientSetup, enrolled, { token: member.token });
    expect(await dashboard.take()).toMatchObject({ event: "INSERT", payload: { name: "laptop", status: "pending" } });
    const mails = await (await globalThis.fetch(`${inject("mailServer")}/pending`)).json<
      { body: { to: string[] } }[]
    >();
    expect(mails).toHaveLength(2);
    const readers = mails.map(({ body }) => body.to[0]);
    expect(readers).toContain(admin.user.email);
    expect(readers).not.toContain(member.user.email);
    expect(mails[0]).toMatchObject({
      body: {
        subject: "A machine waits for approval in Acme",
        text: expect.stringMatching(
          new RegExp(`^${member.user.email} has enrolled laptop in Acme .*\\n\\n${base}/machines\\n$`, "s"),
        ),
      },
    });
  });

  it("waits for approval where the org asks for it, and keeps waiting when it comes again", async () => {
    const org = await newOrg();
    await setOrg(org, "UPDATE org SET approval_required = 1");
    const { key } = await makeKey(org);
    expect((await enrol(key, "server")).status).toBe("online");
    const member = await newMember(org);
    const first = await setUp(org, member.token, "laptop");
    expect(first).toMatchObject({ status: "pending", tailnet_ip: "100.64.0.2" });
    expect(first.wg_config).not.toContain("[Peer]");
    expect(await outcome(call(selfFetch, base, machineHeartbeat, { node_key: first.node_key }))).toBe(
      "PENDING_APPROVAL",
    );
    await setOrg(org, "UPDATE org SET approval_required = 0");
    const second = await setUp(org, member.token, "laptop");
    expect(second).toMatchObject({ status: "pending", machine_id: first.machine_id });
    await call(selfFetch, base, approveMachine, { org_id: org.orgId as never, machine_id: second.machine_id }, org);
    expect((await setUp(org, member.token, "laptop")).status).toBe("online");
    expect(await audits(org)).toMatchObject([
      { details: { peer_count: 0, reactivated: false } },
      { details: { peer_count: 0, reactivated: true } },
      { details: { peer_count: 1, reactivated: true } },
    ]);
  });

  it("does not free a quarantined machine", async () => {
    const org = await newOrg();
    await setUp(org, org.token, "laptop");
    await setOrg(org, "UPDATE machines SET status = 'quarantined'");
    expect((await setUp(org, org.token, "laptop")).status).toBe("quarantined");
  });

  it("refuses over the quota with QUOTA_EXCEEDED, while known machines still come back", async () => {
    const org = await newOrg();
    await setUp(org, org.token, "a");
    await setOrg(org, "UPDATE org SET machine_quota = 1");
    expect(await setupRaw({ org_id: org.orgId, name: "b" }, org.token)).toEqual({
      status: 403,
      code: "QUOTA_EXCEEDED",
      message: "Machine limit reached (1). Upgrade your plan.",
    });
    expect(await outcome(setUp(org, org.token, "a"))).toBe("ok");
  });

  it("refuses who has no token with UNAUTHORIZED and who is no member with FORBIDDEN, of unknown orgs too", async () => {
    const org = await newOrg();
    const body = { org_id: org.orgId, name: "laptop" };
    expect(await setupRaw(body)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(await setupRaw(body, "nonsense")).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    const { token } = await signUpSomeone();
    for (const org_id of [org.orgId, crypto.randomUUID()]) {
      expect(await setupRaw({ ...body, org_id }, token)).toEqual({
        status: 403,
        code: "FORBIDDEN",
        message: "Not a member",
      });
    }
  });

  it("refuses a machine's token with FORBIDDEN: machines enrol no machines", async () => {
    const org = await newOrg();
    const { token } = await setUp(org, org.token, "laptop");
    expect(await setupRaw({ org_id: org.orgId, name: "another" }, token)).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
    });
  });

  it("refuses missing fields with MISSING_FIELDS and wrong ones with INVALID_INPUT", async () => {
    const { orgId: org_id, token } = await newOrg();
    const refusals: [unknown, string][] = [
      [{ name: "x" }, "MISSING_FIELDS"],
      [{ org_id }, "MISSING_FIELDS"],
      [{ org_id, name: "x", machine_key: "0".repeat(64) }, "MISSING_FIELDS"],
      [{ org_id: 7, name: "x" }, "INVALID_INPUT"],
      [{ org_id: "nonsense", name: "x" }, "INVALID_INPUT"],
      [{ org_id, name: 7 }, "INVALID_INPUT"],
      [{ org_id, name: "" }, "INVALID_INPUT"],
      [{ org_id, name: "日本" }, "INVALID_INPUT"],
      [{ org_id, name: "x", os: [] }, "INVALID_INPUT"],
      [{ org_id, name: "x", tags: "web" }, "INVALID_INPUT"],
      [{ org_id, name: "x", wireguard_public_key: "short" }, "INVALID_INPUT"],
      ["{", "INVALID_JSON"],
    ];
    for (const [body, code] of refusals) {
      expect(await setupRaw(body, token), JSON.stringify(body)).toMatchObject({ status: 400, code });
    }
  });
});
