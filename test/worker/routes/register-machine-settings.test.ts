import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { enrol, makeKey, newInstallation, newOrg, type Org, orgStub, outcome } from "../org/support.ts";
import { post } from "../support/api.ts";

const path = "/api/register-machine";

async function orgWithKey(options = {}) {
  const org = await newOrg();
  const { key } = await makeKey(org, options);
  return { org, key };
}

async function execute(org: Org, statement: string): Promise<void> {
  await runInDurableObject(orgStub(org.orgId), (_, state) => void state.storage.sql.exec(statement));
}

async function only(org: Org) {
  const machines = await orgStub(org.orgId).listMachines();
  return machines.ok ? machines.value[0] : undefined;
}

describe(`POST ${path} with settings`, () => {
  const settings = {
    shields_up: true,
    ssh_enabled: true,
    accept_routes: true,
    advertise_exit_node: true,
    advertise_routes: ["10.1.2.3/16"],
    os_version_detail: "Debian GNU/Linux 13 (trixie)",
  };

  it("registers the machine with them", async () => {
    const { org, key } = await orgWithKey();
    await execute(org, "UPDATE org SET allow_exit_nodes = 1");
    expect(await enrol(key, "a", settings)).not.toHaveProperty("refused");
    expect(await only(org)).toMatchObject({
      shields_up: true,
      ssh_enabled: true,
      accept_routes: true,
      advertise_exit_node: true,
      exit_node_approved: false,
      advertised_routes: ["10.1.0.0/16"],
      approved_routes: [],
      os_version_detail: "Debian GNU/Linux 13 (trixie)",
    });
  });

  it("strips what the org does not allow and says so", async () => {
    const { org, key } = await orgWithKey();
    await execute(org, "UPDATE org SET allow_subnet_routing = 0");
    const { refused } = await enrol(key, "a", settings);
    expect(refused).toEqual(["exit nodes not allowed for this org", "subnet routing not allowed for this org"]);
    expect(await only(org)).toMatchObject({ shields_up: true, advertise_exit_node: false, advertised_routes: [] });
  });

  it("keeps those of a machine that registers again without any, its tags among them", async () => {
    const { org, key } = await orgWithKey();
    const installation = await newInstallation();
    await enrol(key, "a", { ...await installation.proof(key, "a"), shields_up: true, tags: ["web"] });
    await enrol(key, "a", await installation.proof(key, "a"));
    expect(await only(org)).toMatchObject({ shields_up: true, tags: ["web"] });
  });

  it("ignores a posture report without an error", async () => {
    const { key } = await orgWithKey();
    const { status } = await post(path, { auth_key: key, name: "a", posture: { disk_encrypted: true } }, {});
    expect(status).toBe(200);
  });

  it.each([
    ["shields_up", "yes", "shields_up must be true or false"],
    ["advertise_routes", "10.0.0.0/8", "advertise_routes must be an array"],
    ["os_version_detail", 13, "os_version_detail must be a string"],
  ])("is refused with INVALID_INPUT for a mistyped %s", async (field, value, message) => {
    const { key } = await orgWithKey();
    const { status, envelope } = await post(path, { auth_key: key, name: "a", [field]: value }, {});
    expect(status).toBe(400);
    expect(envelope.error).toMatchObject({ code: "INVALID_INPUT", message });
  });
});

describe(`POST ${path} that takes over a name`, () => {
  it("gets no tags its own key does not grant, and no approvals of the installation before", async () => {
    const { org, key } = await orgWithKey();
    const first = await newInstallation();
    const routes = { advertise_routes: ["10.1.0.0/16"], tags: ["web", "root"] };
    await enrol(key, "a", { ...await first.proof(key, "a"), ...routes });
    await execute(org, `UPDATE machines SET approved_routes = '["10.1.0.0/16"]', exit_node_approved = 1`);
    const narrow = await makeKey(org, { allowed_tags: ["web"] });
    const second = await newInstallation();
    const { reactivated } = await enrol(narrow.key, "a", await second.proof(narrow.key, "a"));
    expect(reactivated).toBe(true);
    expect(await only(org)).toMatchObject({
      tags: ["web"],
      advertised_routes: ["10.1.0.0/16"],
      approved_routes: [],
      exit_node_approved: false,
    });
  });

  it("of an ephemeral machine that is away works even in a strict org, by the same key only", async () => {
    const { org, key } = await orgWithKey({ ephemeral: true });
    const gone = await newInstallation();
    const before = await enrol(key, "job", await gone.proof(key, "job"));
    await execute(org, "UPDATE org SET reregistration = 'machine_key'");
    const other = await makeKey(org, { ephemeral: true });
    const thief = await newInstallation();
    expect(await outcome(enrol(other.key, "job", await thief.proof(other.key, "job")))).toBe("REGISTRATION_CONFLICT");
    const anew = await newInstallation();
    const after = await enrol(key, "job", await anew.proof(key, "job"));
    expect(after).toMatchObject({ machine_id: before.machine_id, tailnet_ip: before.tailnet_ip, reactivated: true });
  });
});
