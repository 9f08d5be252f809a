import { env, SELF } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { Role } from "#protocol/api/orgs.ts";
import { tables } from "../../../worker/tables/registry.ts";
import { enrol, makeKey, newOrg, type Org } from "../org/support.ts";
import { base, type ReceivedEnvelope, signUpSomeone } from "../support/api.ts";
import { invite } from "../support/members.ts";

interface Ask {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly query?: string;
  readonly body?: unknown;
  readonly token?: string | undefined;
}

/** Asks the table API past the client's own types; `body` may be text that is no JSON. */
async function ask(table: string, { method = "GET", query = "", body, token }: Ask) {
  const response = await SELF.fetch(`${base}/api/db/${table}?${query}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const { data, error } = await response.json<ReceivedEnvelope>();
  return { status: response.status, data, code: error?.code, message: error?.message };
}

async function addMember(org: Org, userId: string, role: Role): Promise<void> {
  await env.DB.prepare("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?, ?, ?, 0)")
    .bind(org.orgId, userId, role).run();
}

async function join(org: Org, role: Role): Promise<string> {
  const { token, user } = await signUpSomeone();
  await addMember(org, user.id, role);
  return token;
}

/** An org with a row in every table. */
async function fullOrg() {
  const org = await newOrg();
  const { key, id: keyId } = await makeKey(org);
  const { machine_id: machineId, token: machineToken } = await enrol(key, "host");
  const { invitation_id: invitationId } = await invite(org, "invited@example.com");
  return { ...org, key, keyId, machineId, machineToken, invitationId };
}
type FullOrg = Awaited<ReturnType<typeof fullOrg>>;

interface Case {
  /** A filter that means one row of this org, in the form of `_filters`. */
  readonly row: (org: FullOrg) => Record<string, string>;
  /** What an admin may do: "done", or the text of the refusal. */
  readonly insert: string;
  readonly update: string;
  readonly remove: string;
  readonly body: Record<string, unknown>;
  readonly readers: readonly Role[];
}

const everybody = ["owner", "admin", "member", "auditor"] as const;

/** Each table of the registry, or the first test below fails. */
const cases: Record<string, Case> = {
  machines: {
    row: ({ machineId }) => ({ id: machineId }),
    insert: "A machine enrols itself: POST /api/register-machine",
    update: "done",
    remove: "done",
    body: { name: "changed" },
    readers: everybody,
  },
  audit_logs: {
    row: ({ machineId }) => ({ resource_id: machineId }),
    insert: "Audit records are written by the changes themselves",
    update: "Audit records are written by the changes themselves",
    remove: "Audit records are written by the changes themselves",
    body: { action: "machine.forged" },
    readers: everybody,
  },
  auth_keys: {
    row: ({ keyId }) => ({ id: keyId }),
    insert: "An auth key needs a secret of its own: use create_auth_key of POST /api/key-management",
    update: "done",
    remove: "done",
    body: { revoked: true },
    readers: ["owner", "admin"],
  },
  org_settings: {
    row: ({ orgId }) => ({ org_id: orgId }),
    insert: "done",
    update: "done",
    remove: "An org always has settings: change them",
    body: { key_expiry_days: 30 },
    readers: everybody,
  },
  organizations: {
    row: ({ orgId }) => ({ id: orgId }),
    insert: "Use create of POST /api/org-management",
    update: "Use update_org of POST /api/org-management",
    remove: "An org cannot be deleted here",
    body: { name: "Changed" },
    readers: everybody,
  },
  org_invitations: {
    row: ({ invitationId }) => ({ id: invitationId }),
    insert: "Use invite_member of POST /api/org-management",
    update: "Use revoke_invitation of POST /api/org-management",
    remove: "Use revoke_invitation of POST /api/org-management",
    body: { role: "owner" },
    readers: ["owner", "admin"],
  },
  org_members: {
    row: () => ({ role: "owner" }),
    insert: "Use invite_member of POST /api/org-management",
    update: "Use change_role of POST /api/org-management",
    remove: "Use remove_member of POST /api/org-management",
    body: { role: "auditor" },
    readers: everybody,
  },
};

const writes = ["POST", "PATCH", "DELETE"] as const;
const verbs = { POST: "insert", PATCH: "update", DELETE: "remove" } as const;

it("every table of /api/db has its case in the tests of isolation and roles", () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(tables).sort());
});

/** Of a busy machine that hashes passwords. */
const HOOK_MS = 60_000;

let org: FullOrg;
let other: FullOrg;
let someone: { token: string; userId: string };
const tokens = new Map<Role, string>();
beforeAll(async () => {
  [org, other] = [await fullOrg(), await fullOrg()];
  for (const role of everybody) tokens.set(role, await join(org, role));
  const { token, user } = await signUpSomeone();
  someone = { token, userId: user.id };
}, HOOK_MS);

describe.each(Object.entries(cases))("/api/db/%s", (table, { row, body, readers, ...allowed }) => {
  const rowsOf = async (of: Org) => (await ask(table, { query: `org_id=${of.orgId}`, token: of.token })).data;
  /** A write to the row of `of`, said to be of the org `named`. */
  const write = (method: (typeof writes)[number], of: FullOrg, named: Org, token: string | undefined) =>
    ask(table, { method, query: `org_id=${named.orgId}`, body: { ...body, _filters: row(of) }, token });

  it("needs a token that is valid", async () => {
    for (const token of [undefined, "garbage"]) {
      const message = token === undefined ? "Authentication required" : "Invalid or expired token";
      const refused = { status: 401, data: null, code: "UNAUTHORIZED", message };
      expect(await ask(table, { query: `org_id=${org.orgId}`, token })).toEqual(refused);
      for (const method of writes) expect(await write(method, org, org, token)).toEqual(refused);
    }
  });

  it("refuses the members of another org, and changes nothing for them", async () => {
    const before = await rowsOf(org);
    const refused = { status: 403, data: null, code: "FORBIDDEN", message: "Not a member" };
    expect(await ask(table, { query: `org_id=eq.${org.orgId}`, token: other.token })).toEqual(refused);
    for (const method of writes) expect(await write(method, org, org, other.token)).toEqual(refused);
    expect(await rowsOf(org)).toEqual(before);
  });

  it("neither reads, changes nor deletes another org's row under the name of the own org", async () => {
    const before = await rowsOf(org);
    const [[column, value]] = Object.entries(row(org)) as [[string, string]];
    const read = await ask(table, { query: `org_id=${other.orgId}&${column}=eq.${value}`, token: other.token });
    expect(JSON.stringify(read.data)).not.toContain(org.orgId);
    for (const method of ["PATCH", "DELETE"] as const) {
      const { status, data } = await write(method, org, other, other.token);
      if (status === 200) expect(data).toEqual({ changes: 0 });
      else expect([400, 403]).toContain(status);
    }
    expect(await rowsOf(org)).toEqual(before);
  });

  it.each(everybody)(
    "may be read by the role %s if that is a reader of it, and shows this org's rows alone",
    async (role) => {
      const token = await join(org, role);
      const { status, data, code } = await ask(table, { query: `org_id=${org.orgId}`, token });
      if (!readers.includes(role)) return expect([status, code]).toEqual([403, "FORBIDDEN"]);
      expect(status).toBe(200);
      expect((data as unknown[]).length).toBeGreaterThan(0);
      expect(JSON.stringify(data)).not.toContain(other.orgId);
    },
  );

  it.each(["member", "auditor"] as const)("cannot be written by the role %s: FORBIDDEN", async (role) => {
    const token = tokens.get(role);
    const before = await rowsOf(org);
    for (const method of writes) {
      expect(await write(method, org, org, token)).toEqual({
        status: 403,
        data: null,
        code: "FORBIDDEN",
        message: "Admin required for writes to this table",
      });
    }
    expect(await rowsOf(org)).toEqual(before);
  });

  it("may be read by a machine of the org if machines are readers of it, never written by one: FORBIDDEN", async () => {
    const query = `org_id=${org.orgId}`;
    const { status, code } = await ask(table, { query, token: org.machineToken });
    expect([status, code]).toEqual(tables[table]!.readers === "machine" ? [200, undefined] : [403, "FORBIDDEN"]);
    const foreign = await ask(table, { query, token: other.machineToken });
    expect([foreign.status, foreign.code]).toEqual([403, "FORBIDDEN"]);
    for (const method of writes) {
      const refused = await write(method, org, org, org.machineToken);
      expect([refused.status, refused.code]).toEqual([403, "FORBIDDEN"]);
    }
  });

  it("takes writes from an admin, or says what to use instead", async () => {
    const own = await fullOrg();
    await addMember(own, someone.userId, "admin");
    for (const method of writes) {
      const expected = allowed[verbs[method]];
      const { status, data, code, message } = await write(method, own, own, someone.token);
      if (expected === "done" && method === "POST") expect({ status, data }).toMatchObject({ status: 201, data: body });
      else if (expected === "done") expect({ status, data }).toEqual({ status: 200, data: { changes: 1 } });
      else expect({ status, code, message }).toEqual({ status: 403, code: "FORBIDDEN", message: expected });
    }
  });

  it("misses the org in a write without org_id: MISSING_FIELDS", async () => {
    for (const method of writes) {
      const { status, code, message } = await ask(table, { method, body, token: org.token });
      expect({ status, code, message }).toEqual({ status: 400, code: "MISSING_FIELDS", message: "org_id required" });
    }
  });
});

describe("the grammar of writes to /api/db/<table>", () => {
  it("refuses DELETE /api/db/machines without a record filter with UNSAFE_DELETE", async () => {
    const { orgId, token } = await fullOrg();
    for (const query of [`org_id=eq.${orgId}`, `org_id=${orgId}`]) {
      expect(await ask("machines", { method: "DELETE", query, body: {}, token })).toEqual({
        status: 400,
        data: null,
        code: "UNSAFE_DELETE",
        message:
          "DELETE requires at least one record filter (e.g. id=eq.X or _filters). Cannot delete all records in a table.",
      });
    }
    const body = { _filters: { org_id: orgId } };
    expect((await ask("machines", { method: "DELETE", body, token })).code).toBe("UNSAFE_DELETE");
  });

  it("takes DELETE /api/db/machines with a filter in the URL or in _filters, and answers how many rows that were", async () => {
    const { orgId, token, key, machineId } = await fullOrg();
    await enrol(key, "second");
    const remove = (query: string, body: unknown) => ask("machines", { method: "DELETE", query, body, token });
    expect((await remove(`org_id=eq.${orgId}&id=eq.${machineId}`, {})).data).toEqual({ changes: 1 });
    expect((await remove(`org_id=eq.${orgId}&id=eq.${machineId}`, {})).data).toEqual({ changes: 0 });
    expect((await remove("", { org_id: orgId, _filters: { name: "second" } })).data).toEqual({ changes: 1 });
    expect((await ask("machines", { query: `org_id=${orgId}`, token })).data).toEqual([]);
  });

  it.each(["POST", "PATCH", "DELETE"] as const)(
    "refuses a %s without a JSON body with INVALID_JSON",
    async (method) => {
      const { orgId, token, machineId } = await fullOrg();
      const query = `org_id=${orgId}&id=eq.${machineId}`;
      for (const body of [undefined, "", "{", "[]"]) {
        const { status, code } = await ask("machines", { method, query, body, token });
        expect([status, code]).toEqual([400, "INVALID_JSON"]);
      }
    },
  );

  it("takes no filter of PATCH /api/db/machines from the URL", async () => {
    const { orgId, token, key, machineId } = await fullOrg();
    const second = await enrol(key, "second");
    const query = `org_id=eq.${orgId}&id=eq.${machineId}`;
    const patch = (body: unknown) => ask("machines", { method: "PATCH", query, body, token });
    expect(await patch({ name: "new" })).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect(await patch({ name: "new", _filters: {} })).toMatchObject({ status: 400, code: "MISSING_FIELDS" });
    expect((await patch({ name: "new", _filters: { id: second.machine_id } })).data).toEqual({ changes: 1 });
    const asList = [{ column: "id", op: "eq", value: second.machine_id }];
    expect((await patch({ tags: ["web"], _filters: asList })).data).toEqual({ changes: 1 });
    const { data } = await ask("machines", { query: `org_id=${orgId}&order=name&select=name,tags`, token });
    expect(data).toEqual([{ name: "host", tags: [] }, { name: "new", tags: ["web"] }]);
  });

  it("drops columns it may not write and unknown ones, and refuses filters on unknown ones", async () => {
    const { orgId, token, machineId } = await fullOrg();
    const patch = (body: object) => ask("machines", { method: "PATCH", query: `org_id=${orgId}`, body, token });
    const _filters = { id: machineId };
    const stolen = { id: "x", org_id: orgId, tailnet_ip: "100.64.0.99", status: "pending", node_key_hash: "x", rev: 1 };
    expect((await patch({ ...stolen, name: "renamed", _filters })).data).toEqual({ changes: 1 });
    expect((await patch({ ...stolen, _filters })).data).toEqual({ changes: 0 });
    const { data } = await ask("machines", { query: `org_id=${orgId}`, token });
    expect(data).toMatchObject([{ id: machineId, name: "renamed", tailnet_ip: "100.64.0.1", status: "online" }]);
    expect(await patch({ name: "x", _filters: { node_key_hash: "x" } })).toMatchObject({
      status: 400,
      code: "INVALID_INPUT",
      message: "Unknown column: node_key_hash",
    });
  });

  it("sets a machine's flags with PATCH /api/db/machines as update_flags of /api/machine-admin does", async () => {
    const { orgId, token, machineId } = await fullOrg();
    const patch = (body: object) =>
      ask("machines", {
        method: "PATCH",
        query: `org_id=${orgId}`,
        body: { ...body, _filters: { id: machineId } },
        token,
      });
    expect((await patch({ shields_up: true, ssh_enabled: true })).data).toEqual({ changes: 1 });
    expect(await patch({ shields_up: "yes" })).toMatchObject({ message: "shields_up must be true or false" });
    expect(await patch({ advertise_exit_node: true })).toMatchObject({ status: 403, code: "FORBIDDEN" });
    const { data } = await ask("machines", { query: `org_id=${orgId}`, token });
    expect(data).toMatchObject([{ shields_up: true, ssh_enabled: true, advertise_exit_node: false }]);
  });

  it("refuses wrong values with INVALID_INPUT and changes no row when one of them is refused", async () => {
    const { orgId, token, key } = await fullOrg();
    await enrol(key, "second");
    const patch = (body: object) => ask("machines", { method: "PATCH", query: `org_id=${orgId}`, body, token });
    const _filters = { status: "online" };
    expect(await patch({ name: 7, _filters })).toMatchObject({
      code: "INVALID_INPUT",
      message: "name must be a string",
    });
    expect(await patch({ tags: "web", _filters })).toMatchObject({ message: "tags must be an array" });
    expect(await patch({ tags: ["web"], name: "same", _filters })).toMatchObject({ status: 409, code: "CONFLICT" });
    const { data } = await ask("machines", { query: `org_id=${orgId}&order=name&select=name,tags`, token });
    expect(data).toEqual([{ name: "host", tags: [] }, { name: "second", tags: [] }]);
    expect((await patch({ tags: ["web"], _filters })).data).toEqual({ changes: 2 });
  });

  it("refuses two different orgs in one request with INVALID_INPUT", async () => {
    const [one, other] = [await fullOrg(), await fullOrg()];
    const query = `org_id=${one.orgId}`;
    for (const body of [{ org_id: other.orgId, _filters: { name: "host" } }, { _filters: { org_id: other.orgId } }]) {
      const { status, code } = await ask("machines", { method: "PATCH", query, body, token: one.token });
      expect([status, code]).toEqual([400, "INVALID_INPUT"]);
    }
  });

  it("knows no other tables", async () => {
    const { orgId, token } = await fullOrg();
    for (const table of ["users", "refresh_tokens", "__proto__", "constructor"]) {
      for (const method of writes) {
        const { status, code } = await ask(table, { method, query: `org_id=${orgId}`, body: {}, token });
        expect([status, code]).toEqual([404, "NOT_FOUND"]);
      }
    }
  });
});

describe("writes to a table whose truth is the org object", () => {
  it("change settings by PATCH /api/db/org_settings, which is on record and live like any other change of them", async () => {
    const { orgId, token } = await fullOrg();
    const patch = (body: object) =>
      ask("org_settings", {
        method: "PATCH",
        query: `org_id=${orgId}`,
        body: { ...body, _filters: { org_id: orgId } },
        token,
      });
    expect((await patch({ allow_exit_nodes: true, posture_enforcement: "monitor" })).data).toEqual({ changes: 1 });
    expect((await patch({ colour: "red" })).data).toEqual({ changes: 0 });
    expect((await ask("org_settings", { query: `org_id=${orgId}`, token })).data).toMatchObject([
      { allow_exit_nodes: true, posture_enforcement: "monitor" },
    ]);
    const audits = await ask("audit_logs", { query: `org_id=${orgId}&action=eq.settings.updated`, token });
    expect(audits.data).toMatchObject([{ details: { allow_exit_nodes: true, posture_enforcement: "monitor" } }]);
    const body = { key_expiry_days: 30, _filters: { org_id: orgId, allow_exit_nodes: false } };
    expect((await ask("org_settings", { method: "PATCH", body, token })).data).toEqual({ changes: 0 });
  });

  it("set settings by POST /api/db/org_settings and answer the row, flat and once more as data.data", async () => {
    const { orgId, token } = await fullOrg();
    const post = (body: object) => ask("org_settings", { method: "POST", body: { org_id: orgId, ...body }, token });
    const { status, data } = await post({ key_expiry_days: 90, colour: "red" });
    const row = { org_id: orgId, key_expiry_days: 90, allow_exit_nodes: false };
    expect({ status, data }).toMatchObject({ status: 201, data: { ...row, data: row } });
    expect(await post({ colour: "red" })).toMatchObject({ status: 400, code: "INVALID_INPUT" });
  });

  it("revoke the auth keys of DELETE /api/db/auth_keys, and put their machines into quarantine", async () => {
    const { orgId, token, keyId } = await fullOrg();
    const query = `org_id=${orgId}&id=eq.${keyId}`;
    const patch = { revoked: false, _filters: { id: keyId } };
    expect(await ask("auth_keys", { method: "PATCH", query, body: patch, token })).toMatchObject({
      code: "INVALID_INPUT",
    });
    expect((await ask("auth_keys", { method: "DELETE", query, body: {}, token })).data).toEqual({ changes: 1 });
    expect((await ask("auth_keys", { query, token })).data).toMatchObject([{ id: keyId, revoked: true }]);
    expect((await ask("machines", { query: `org_id=${orgId}`, token })).data).toMatchObject([{
      status: "quarantined",
    }]);
  });
});

describe("POST /api/db/_rpc", () => {
  const rpc = (body: object, token?: string) => ask("_rpc", { method: "POST", body, token });

  it("get_dashboard_stats counts the machines by state, the live keys and the members, double wrapped", async () => {
    const own = await fullOrg();
    await enrol(own.key, "second");
    const query = `org_id=${own.orgId}&id=eq.${(await makeKey(own)).id}`;
    await ask("auth_keys", { method: "DELETE", query, body: {}, token: own.token });
    const token = await join(own, "member");
    expect(await rpc({ fn: "get_dashboard_stats", _org_id: own.orgId }, token)).toMatchObject({
      status: 200,
      data: {
        data: {
          total_machines: 2,
          online_machines: 2,
          offline_machines: 0,
          pending_machines: 0,
          quarantined_machines: 0,
          active_auth_keys: 1,
          total_members: 2,
        },
      },
    });
  });

  it("get_org_members names the members and their roles, double wrapped, and nobody of another org", async () => {
    const own = await newOrg();
    await join(own, "auditor");
    const { data } = await rpc({ fn: "get_org_members", _org_id: own.orgId }, own.token);
    const { data: people } = data as { data: { role: string; email: string }[] };
    expect(people.map(({ role }) => role).sort()).toEqual(["auditor", "owner"]);
    expect(Object.keys(people[0]!).sort()).toEqual(["created_at", "email", "full_name", "role", "user_id"]);
  });

  it.each(["get_dashboard_stats", "get_org_members"])(
    "%s is refused without a token, to strangers and without an org",
    async (fn) => {
      expect(await rpc({ fn, _org_id: org.orgId })).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
      expect(await rpc({ fn, _org_id: org.orgId }, other.token)).toMatchObject({
        status: 403,
        message: "Not a member",
      });
      expect(await rpc({ fn }, org.token)).toMatchObject({ code: "MISSING_FIELDS", message: "_org_id required" });
      expect(await rpc({ fn, _org_id: 7 }, org.token)).toMatchObject({ status: 400, code: "INVALID_INPUT" });
    },
  );

  it("refuses what it does not know with UNKNOWN_ACTION", async () => {
    const named = { _org_id: org.orgId };
    expect(await rpc(named, org.token)).toMatchObject({ code: "MISSING_FIELDS", message: "fn required" });
    for (const fn of ["drop_table", "__proto__", 7]) {
      expect(await rpc({ ...named, fn }, org.token)).toMatchObject({ status: 400, code: "UNKNOWN_ACTION" });
    }
  });
});
