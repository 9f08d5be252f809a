import assert from "node:assert/strict";
import { blake2s } from "@noble/hashes/blake2.js";
import { hmac as referenceHmac } from "@noble/hashes/hmac.js";
import fc from "fast-check";
import { hash, hmac, mac } from "../../../agent/dataplane/wireguard/blake2s.ts";
import { runs } from "../support/fuzz.ts";

const parts = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 });
const joined = (pieces: readonly Uint8Array[]) => new Uint8Array(pieces.flatMap((piece) => [...piece]));

Deno.test("BLAKE2s gives the digest of RFC 7693, appendix B", () => {
  const digest = hash(new TextEncoder().encode("abc"));
  assert.equal(digest.toHex(), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
});

Deno.test("digests, MACs and HMACs are the reference's, however a message is cut", () => {
  const keys = fc.uint8Array({ minLength: 1, maxLength: 32 });
  fc.assert(
    fc.property(keys, parts, (key, pieces) => {
      const message = joined(pieces);
      assert.deepEqual(hash(...pieces), blake2s(message));
      assert.deepEqual(mac(key, ...pieces), blake2s(message, { key, dkLen: 16 }));
      assert.deepEqual(hmac(key, ...pieces), referenceHmac(blake2s, key, message));
    }),
    runs(500),
  );
});

Deno.test("lengths around a block's are the reference's", () => {
  for (const length of [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000]) {
    const message = Uint8Array.from({ length }, (_, at) => at * 31);
    assert.deepEqual(hash(message), blake2s(message), `${length}`);
  }
});
