import assert from "node:assert/strict";
import fc from "fast-check";
import { createArena } from "../../../agent/dataplane/arena.ts";
import { TooBig } from "../../../agent/dataplane/too-big.ts";
import { runs } from "../support/fuzz.ts";
import { udpPacket, wordSum } from "./support/ip-packets.ts";

const AT = 4096;
const none = new Uint8Array(0);
const arena = createArena(1280);

function packet(version: 4 | 6, bytes = 1400): Uint8Array {
  const header = version === 4 ? 28 : 48;
  const payload = Uint8Array.from({ length: bytes - header }, (_, at) => at);
  return udpPacket({ version, ipOptions: none, id: 1, port: 9, payload });
}

/** The answer's bytes; none when it must not answer. */
function answerTo(bytes: Uint8Array, tooBig = new TooBig(arena), now = 1000): Uint8Array {
  arena.bytes.set(bytes, AT);
  return arena.bytes.slice(AT, AT + tooBig.answer(AT, bytes.length, 1280, now));
}

Deno.test("an IPv4 packet is answered with what RFC 792 and RFC 1191 want", () => {
  const sent = packet(4);
  const answer = answerTo(sent);
  const view = new DataView(answer.buffer);
  assert.equal(answer.length, 576);
  assert.deepEqual([...answer.slice(0, 4), ...answer.slice(8, 10)], [0x45, 0, 576 >> 8, 576 & 0xff, 64, 1]);
  assert.equal(wordSum([...answer.slice(0, 20)]), 0xffff);
  assert.deepEqual(answer.slice(12, 16), sent.slice(16, 20));
  assert.deepEqual(answer.slice(16, 20), sent.slice(12, 16));
  assert.deepEqual([answer[20], answer[21], view.getUint16(24), view.getUint16(26)], [3, 4, 0, 1280]);
  assert.equal(wordSum([...answer.slice(20)]), 0xffff);
  assert.deepEqual(answer.slice(28), sent.slice(0, 548));
});

Deno.test("an IPv6 packet is answered with what RFC 4443 wants", () => {
  const sent = packet(6);
  const answer = answerTo(sent);
  const view = new DataView(answer.buffer);
  assert.equal(answer.length, 1280);
  assert.deepEqual([answer[0], view.getUint16(4), answer[6], answer[7]], [0x60, 1240, 58, 64]);
  assert.deepEqual(answer.slice(8, 24), sent.slice(24, 40));
  assert.deepEqual(answer.slice(24, 40), sent.slice(8, 24));
  assert.deepEqual([answer[40], answer[41], view.getUint32(44)], [2, 0, 1280]);
  const pseudo = [...answer.slice(8, 40), 0, 0, 1240 >> 8, 1240 & 0xff, 0, 0, 0, 58];
  assert.equal(wordSum([...pseudo, ...answer.slice(40)]), 0xffff);
  assert.deepEqual(answer.slice(48), sent.slice(0, 1232));
});

Deno.test("only IPv6 and IPv4 with DF may not be cut", () => {
  const tooBig = new TooBig(arena);
  const cases: [Uint8Array, boolean][] = [
    [packet(4), true],
    [packet(4).with(6, 0) as Uint8Array, false],
    [packet(6), true],
  ];
  for (const [bytes, expected] of cases) {
    arena.bytes.set(bytes, AT);
    assert.equal(tooBig.mayNotBeCut(AT), expected);
  }
});

Deno.test("errors, later fragments and packets to or from many are not answered", () => {
  const change = (bytes: Uint8Array, at: number, ...values: number[]) => {
    const changed = bytes.slice();
    changed.set(values, at);
    return changed;
  };
  const silent = [
    change(packet(4), 7, 1),
    change(packet(4), 12, 0, 0, 0, 0),
    change(packet(4), 12, 224, 0, 0, 1),
    change(packet(4), 16, 255, 255, 255, 255),
    change(change(packet(4), 9, 1), 20, 3, 4),
    change(change(packet(4), 9, 1), 20, 11, 0),
    change(packet(6), 8, ...new Uint8Array(16)),
    change(packet(6), 24, 0xff, 2),
    change(change(packet(6), 6, 58), 40, 2, 0),
  ];
  for (const [at, bytes] of silent.entries()) assert.equal(answerTo(bytes).length, 0, `case ${at}`);
  assert.ok(answerTo(change(change(packet(4), 9, 1), 20, 8, 0)).length > 0, "echo");
  assert.ok(answerTo(change(change(packet(6), 6, 58), 40, 128, 0)).length > 0, "echo of IPv6");
});

Deno.test("a flood of packets gets twenty answers at once and twenty a second", () => {
  const tooBig = new TooBig(arena);
  const answers = (now: number) =>
    Array.from({ length: 100 }, () => answerTo(packet(4), tooBig, now)).filter(({ length }) => length > 0).length;
  assert.equal(answers(5_000), 20);
  assert.equal(answers(5_500), 10);
  assert.equal(answers(5_549), 0);
  assert.equal(answers(60_000), 20);
});

Deno.test("no packet, however its headers lie, gets an answer that is no ICMP error or longer than it may be", () => {
  const cases = fc.tuple(fc.uint8Array({ minLength: 40, maxLength: 1500 }), fc.constantFrom(4, 6), fc.nat(15));
  fc.assert(
    fc.property(cases, ([bytes, version, low]) => {
      bytes[0] = (version << 4) | low;
      const answer = answerTo(bytes);
      if (answer.length === 0) return;
      const [header, most] = version === 4 ? [20, 576] : [40, 1280];
      assert.ok(answer.length <= most && answer.length <= bytes.length + header + 8);
      assert.deepEqual([answer[0], answer[header]], version === 4 ? [0x45, 3] : [0x60, 2]);
      assert.deepEqual(answer.slice(header + 8), bytes.slice(0, answer.length - header - 8));
    }),
    runs(500),
  );
});
