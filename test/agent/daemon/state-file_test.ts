import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import { registrationStatement } from "#protocol/keys.ts";
import { createIdentity, signRegistration } from "../../../agent/daemon/identity.ts";
import { readNetMap, writeNetMap } from "../../../agent/daemon/net-map-file.ts";
import { readState, writeState } from "../../../agent/daemon/state-file.ts";
import { netMap, peer } from "../support/net-map.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

Deno.test("a state that was written is read again", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/state.json`;
  assert.equal(readState(path), undefined);
  const state = createIdentity();
  writeState(path, state);
  assert.deepEqual(readState(path), state);
});

Deno.test("a damaged state is said, not replaced", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/state.json`;
  for (const text of ["", "{", "{}", JSON.stringify({ ...createIdentity(), version: 2 })]) {
    Deno.writeTextFileSync(path, text);
    assert.throws(() => readState(path), /is damaged\. Run 'ztna logout'/);
    assert.equal(Deno.readTextFileSync(path), text);
  }
});

Deno.test("two identities share no key, and keys have the forms the protocol asks for", () => {
  const [a, b] = [createIdentity(), createIdentity()];
  assert.notEqual(a.wireguard_private_key, b.wireguard_private_key);
  assert.notEqual(a.machine_key, b.machine_key);
  assert.match(a.machine_key, /^[0-9a-f]{64}$/);
  assert.match(a.wireguard_public_key, /^[A-Za-z0-9+/]{43}=$/);
});

Deno.test("a registration is signed by the machine key over key, name and WireGuard key", () => {
  const state = createIdentity();
  const digits = "ab".repeat(32);
  const signature = signRegistration(state, digits, "Linux-C");
  const statement = registrationStatement({
    authKeyHash: createHash("sha256").update(digits).digest("hex"),
    name: "Linux-C",
    wireguardPublicKey: state.wireguard_public_key,
  });
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(state.machine_key, "hex").toString("base64url") },
    format: "jwk",
  });
  assert.ok(verify(null, Buffer.from(statement), key, Buffer.from(signature, "hex")));
});

Deno.test("a map belongs to its machine, and a damaged one counts as none", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/netmap.json`;
  const map = netMap({ seq: 4, peers: [peer("a")] });
  writeNetMap(path, "machine-1", map);
  assert.deepEqual(readNetMap(path, "machine-1"), map);
  assert.equal(readNetMap(path, "machine-2"), undefined);
  Deno.writeTextFileSync(path, '{"machine_id":"machine-1","map":{}}');
  assert.equal(readNetMap(path, "machine-1"), undefined);
});
