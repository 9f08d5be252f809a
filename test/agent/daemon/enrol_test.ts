import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import { setupStatement } from "#protocol/keys.ts";
import { enrol, enrolPatiently } from "../../../agent/daemon/enrol.ts";
import { createIdentity } from "../../../agent/daemon/identity.ts";
import { PersonSession } from "../../../agent/daemon/person-session.ts";
import { writeTokens } from "../../../agent/daemon/tokens-file.ts";
import { type Answer, type Asked, startControlPlane } from "../cli/support/control-plane.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { machineAnswer } from "./support/machine-answer.ts";

const USER = "11111111-2222-4333-8444-555555555555";
const acme = {
  id: "22222222-2222-4333-8444-555555555555",
  name: "Acme",
  slug: "acme",
  domain: null,
  created_at: "2026-01-01T00:00:00.000Z",
  role: "member",
};
const machine = { ...machineAnswer, org_id: acme.id, wg_config: "" };
const SETUP = "/api/client-setup";
const ORGS = "/api/user-orgs";

function accessToken(text: string): string {
  return `${text}.${Buffer.from(JSON.stringify({ sub: USER })).toString("base64url")}.x`;
}

/** A person who has logged in, and their machine about to be enrolled. */
async function person(answers: Record<string, (asked: Asked) => Answer>) {
  const directory = temporaryDirectory();
  const plane = await startControlPlane({ [ORGS]: () => ({ data: [acme] }), ...answers });
  const path = `${directory.path}/tokens.json`;
  writeTokens(path, { access_token: accessToken("old"), refresh_token: "r1", api_url: plane.url });
  const options = {
    apiUrl: plane.url,
    state: createIdentity(),
    credential: { person: PersonSession.read(path, plane.url)!, org: { wanted: undefined, lastId: undefined } },
    name: "laptop",
    settings: {},
    signal: new AbortController().signal,
  };
  return { plane, directory, options };
}

Deno.test("a person's machine registers by POST /api/client-setup in their only org, signed by its own key", async () => {
  const { plane, directory, options } = await person({ [SETUP]: () => ({ data: machine }) });
  await using _ = plane;
  using __ = directory;
  assert.deepEqual(await enrol(options), {
    machine_id: machine.machine_id,
    name: "laptop",
    tailnet_ip: "100.64.0.7",
    org_id: acme.id,
    node_key: machine.node_key,
    api_url: plane.url,
  });
  const { body, token } = plane.asked.find(({ path }) => path === SETUP)!;
  assert.equal(token, accessToken("old"));
  assert.deepEqual([body["org_id"], body["name"], body["tags"]], [acme.id, "laptop", undefined]);
  const { state } = options;
  const wireguardPublicKey = state.wireguard_public_key;
  const statement = setupStatement({ orgId: acme.id, userId: USER, name: "laptop", wireguardPublicKey });
  const x = Buffer.from(state.machine_key, "hex").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signature = Buffer.from(String(body["machine_key_signature"]), "hex");
  assert.equal(verify(null, Buffer.from(statement), key, signature), true);
});

Deno.test("a machine that waits for approval is registered as pending", async () => {
  const { plane, directory, options } = await person({ [SETUP]: () => ({ data: { ...machine, status: "pending" } }) });
  await using _ = plane;
  using __ = directory;
  assert.equal((await enrol(options)).pending, true);
});

Deno.test("an access token that has run out is renewed on the way, once", async () => {
  const refreshed = {
    token: accessToken("new"),
    access_token: accessToken("new"),
    refresh_token: "r2",
    expires_in: 3600,
    user: { id: USER, email: "a@example.com" },
  };
  const { plane, directory, options } = await person({
    [ORGS]: ({ token }) => token === accessToken("new") ? { data: [acme] } : { code: "UNAUTHORIZED" },
    [SETUP]: () => ({ data: machine }),
    "/api/auth/refresh": () => ({ data: refreshed }),
  });
  await using _ = plane;
  using __ = directory;
  assert.equal((await enrol(options)).machine_id, machine.machine_id);
  assert.deepEqual(plane.asked.map(({ path }) => path), [ORGS, "/api/auth/refresh", ORGS, SETUP]);
  assert.equal(plane.asked[1]!.body["refresh_token"], "r1");
  assert.match(Deno.readTextFileSync(`${directory.path}/tokens.json`), /"refresh_token": "r2"/);
});

Deno.test("who has no organization is told to make one, and a taken name is not tried again", async () => {
  const conflict = await person({ [SETUP]: () => ({ code: "REGISTRATION_CONFLICT" }) });
  const homeless = await person({ [ORGS]: () => ({ data: [] }) });
  await using _ = conflict.plane;
  await using __ = homeless.plane;
  using ___ = conflict.directory;
  using ____ = homeless.directory;
  const noPause = () => assert.fail("tried again");
  await assert.rejects(enrolPatiently(conflict.options, noPause), { code: "REGISTRATION_CONFLICT" });
  await assert.rejects(enrolPatiently(homeless.options, noPause), /no organization yet\. Create one in the dashboard/);
});
