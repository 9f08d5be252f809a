import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type AeadEngine, TAG_BYTES } from "../../../agent/crypto/engine.ts";
import { nobleEngine } from "../../../agent/crypto/engines/noble.ts";
import { hybridEngine } from "../../../agent/crypto/engines/hybrid.ts";
import { loadKernel } from "../../../agent/crypto/kernel/kernel.ts";
import { candidates, selectEngine } from "../../../agent/crypto/select.ts";
import { createArena } from "../../../agent/dataplane/arena.ts";
import { addressOf } from "../../../agent/os/ffi/memory.ts";

/** Made with `node:crypto`: key 00 to 1f, counter 258. */
const RECORDED = "58c39d4f68fe83fa3fea6f105cc809a61ec35b6f6d94634bebdb02816391fc1420dbede050cc12c4be7399acae";

const arena = createArena(1420);
const kernel = loadKernel(arena);
const parts = { arena, kernel, arenaAddress: addressOf(arena.bytes) };
const reference = nobleEngine(arena);
const [PLAIN, SEALED, EXPECTED] = [arena.udpOut.offset, arena.udpOut.offset + 80_000, arena.udpOut.offset + 160_000];

Deno.test("the reference, to which every engine is held, gives the result of RFC 8439, 2.8.2", () => {
  const hexBytes = (digits: string) => Uint8Array.fromHex(digits);
  const key = Uint8Array.from({ length: 32 }, (_, at) => 0x80 + at);
  const cipher = chacha20poly1305(key, hexBytes("070000004041424344454647"), hexBytes("50515253c0c1c2c3c4c5c6c7"));
  const text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
    "sunscreen would be it.";
  const sealed = "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b" +
    "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691";
  assert.equal(cipher.encrypt(new TextEncoder().encode(text)).toHex(), sealed);
});

const [first, second] = candidates(parts) as [AeadEngine, AeadEngine];

for (const engine of [...candidates(parts), hybridEngine(second, first, 192)]) {
  Deno.test(`${engine.name} seals a known packet as it was recorded`, () => {
    const key = engine.prepare(Uint8Array.from({ length: 32 }, (_, at) => at));
    arena.bytes.set(new TextEncoder().encode("Everything lies in one arena."), PLAIN);
    key.seal(258, PLAIN, 29, SEALED);
    assert.equal(hex(SEALED, 29 + TAG_BYTES), RECORDED);
    key.destroy();
  });

  Deno.test(`${engine.name} agrees with the reference at every length, in place and elsewhere`, () => {
    const key = new Uint8Array(randomBytes(32));
    const [ours, theirs] = [engine.prepare(key), reference.prepare(key)];
    for (const length of [...Array(600).keys(), 1279, 1280, 1408, 1420, 2000, 16_384]) {
      const counter = Number(randomBytes(6).readUIntBE(0, 6));
      const content = new Uint8Array(randomBytes(length));
      arena.bytes.set(content, PLAIN);
      theirs.seal(counter, PLAIN, length, EXPECTED);
      ours.seal(counter, PLAIN, length, SEALED);
      assert.equal(hex(SEALED, length + TAG_BYTES), hex(EXPECTED, length + TAG_BYTES), `length ${length}`);
      ours.seal(counter, PLAIN, length, PLAIN);
      assert.equal(hex(PLAIN, length + TAG_BYTES), hex(EXPECTED, length + TAG_BYTES), `in place, length ${length}`);
      assert.ok(ours.open(counter, PLAIN, length + TAG_BYTES, PLAIN));
      assert.deepEqual(arena.bytes.slice(PLAIN, PLAIN + length), content);
      assert.ok(ours.open(counter, SEALED, length + TAG_BYTES, EXPECTED));
      assert.deepEqual(arena.bytes.slice(EXPECTED, EXPECTED + length), content);
    }
    ours.destroy();
    theirs.destroy();
  });

  Deno.test(`${engine.name} opens no packet that was changed, cut or counted otherwise`, () => {
    const key = engine.prepare(new Uint8Array(randomBytes(32)));
    for (const length of [0, 1, 64, 333]) {
      const total = length + TAG_BYTES;
      for (let at = 0; at < total; at++) {
        key.seal(7, PLAIN, length, SEALED);
        arena.bytes[SEALED + at]! ^= 0x80;
        assert.equal(key.open(7, SEALED, total, SEALED), false, `byte ${at} of ${total}`);
      }
      key.seal(7, PLAIN, length, SEALED);
      assert.equal(key.open(8, SEALED, total, EXPECTED), false);
      assert.equal(key.open(7, SEALED, total - 1, EXPECTED), false);
      for (const short of [0, 1, TAG_BYTES - 1]) assert.equal(key.open(7, SEALED, short, EXPECTED), false);
      assert.ok(key.open(7, SEALED, total, EXPECTED));
    }
    key.destroy();
  });

  Deno.test(`${engine.name} uses all bits of a counter`, () => {
    const key = new Uint8Array(randomBytes(32));
    const [ours, theirs] = [engine.prepare(key), reference.prepare(key)];
    for (const counter of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
      ours.seal(counter, PLAIN, 100, SEALED);
      theirs.seal(counter, PLAIN, 100, EXPECTED);
      assert.equal(hex(SEALED, 116), hex(EXPECTED, 116), `${counter}`);
    }
    ours.destroy();
    theirs.destroy();
  });

  Deno.test(`${engine.name} keeps keys apart that are in use together`, () => {
    const [a, b] = [engine.prepare(new Uint8Array(32).fill(1)), engine.prepare(new Uint8Array(32).fill(2))];
    a.seal(1, PLAIN, 200, SEALED);
    b.seal(1, PLAIN, 200, EXPECTED);
    assert.notEqual(hex(SEALED, 216), hex(EXPECTED, 216));
    assert.equal(b.open(1, SEALED, 216, EXPECTED + 4096), false);
    assert.ok(a.open(1, SEALED, 216, EXPECTED + 4096));
    a.destroy();
    assert.ok(b.open(1, EXPECTED, 216, EXPECTED));
    b.destroy();
  });
}

Deno.test("the fastest engine is chosen, and a named one in its place", () => {
  const names = candidates(parts).map(({ name }) => name);
  const chosen: AeadEngine = selectEngine(parts, () => performance.now());
  assert.ok(names.some((name) => chosen.name.startsWith(name)));
  assert.doesNotMatch(chosen.name, /noble/);
  assert.equal(selectEngine(parts, () => performance.now(), "noble").name, "noble");
});

Deno.test("a name that is no engine is refused with those there are", () => {
  assert.throws(() => selectEngine(parts, () => 0, "rot13"), /no engine "rot13" here.*noble/);
});

function hex(offset: number, length: number): string {
  return Buffer.from(arena.bytes.slice(offset, offset + length)).toString("hex");
}
