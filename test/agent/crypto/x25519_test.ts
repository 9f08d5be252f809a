import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { selectX25519, x25519Candidates } from "../../../agent/crypto/select-x25519.ts";
import { nobleX25519 } from "../../../agent/crypto/x25519/noble.ts";

/** RFC 7748, 5.2: scalar, u-coordinate, result. */
const VECTORS = [
  [
    "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
  ],
  [
    "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
    "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
  ],
] as const;

/** RFC 7748, 6.1. */
const ALICE = {
  privateKey: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
  publicKey: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
};
const BOB = {
  privateKey: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
  publicKey: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
};
const SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
/** 5.2: the result of a thousand rounds that start from 9. */
const THOUSAND = "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51";

/** Points of order 1, 2, 4 and 8, and two that are not reduced. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

const bytes = (hex: string) => Uint8Array.fromHex(hex);

for (const curve of x25519Candidates()) {
  Deno.test(`${curve.name} gives the results of RFC 7748`, () => {
    for (const [scalar, point, result] of VECTORS) {
      assert.equal(curve.createKey(bytes(scalar)).sharedSecret(bytes(point))?.toHex(), result);
    }
    for (const [one, other] of [[ALICE, BOB], [BOB, ALICE]] as const) {
      const key = curve.createKey(bytes(one.privateKey));
      assert.equal(key.publicKey.toHex(), one.publicKey);
      assert.equal(key.sharedSecret(bytes(other.publicKey))?.toHex(), SHARED);
      key.destroy();
    }
  });

  Deno.test(`${curve.name} gives the thousandth result of RFC 7748`, () => {
    let scalar = new Uint8Array(32);
    scalar[0] = 9;
    let point = scalar;
    for (let round = 0; round < 1000; round++) {
      const key = curve.createKey(scalar);
      [scalar, point] = [key.sharedSecret(point) as Uint8Array<ArrayBuffer>, scalar];
      key.destroy();
    }
    assert.equal(scalar.toHex(), THOUSAND);
  });

  Deno.test(`${curve.name} refuses every key of low order`, () => {
    const key = curve.createKey(bytes(BOB.privateKey));
    for (const point of LOW_ORDER) assert.equal(key.sharedSecret(bytes(point)), undefined, point);
    assert.equal(key.sharedSecret(bytes(ALICE.publicKey))?.toHex(), SHARED, "and works on afterwards");
    key.destroy();
  });

  Deno.test(`${curve.name} agrees with the reference`, () => {
    for (let round = 0; round < 50; round++) {
      const [privateKey, point] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
      const [ours, theirs] = [curve.createKey(privateKey), nobleX25519.createKey(privateKey)];
      assert.deepEqual(ours.publicKey, theirs.publicKey);
      assert.deepEqual(ours.sharedSecret(point), theirs.sharedSecret(point));
      ours.destroy();
    }
  });
}

Deno.test("the fastest curve is chosen", () => {
  assert.notEqual(selectX25519(() => performance.now()).name, "noble");
});
