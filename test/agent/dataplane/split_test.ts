import assert from "node:assert/strict";
import fc from "fast-check";
import { loadKernel } from "../../../agent/crypto/kernel/kernel.ts";
import { createArena } from "../../../agent/dataplane/arena.ts";
import { SuperPacket } from "../../../agent/dataplane/offload/split.ts";
import { VNET_HEADER_BYTES } from "../../../agent/dataplane/offload/vnet-header.ts";
import { runs } from "../support/fuzz.ts";
import { datagramsOf, segmentsOf, type TcpFields, tcpPacket, udpPacket, wordSum } from "./support/ip-packets.ts";

const plain = createArena(1420);
const arena = { ...plain, sum: loadKernel(plain)!.sum };
const { bytes, view } = arena;
const AT = 64;

const tcp: fc.Arbitrary<TcpFields> = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  ipOptions: fc.uint8Array({ maxLength: 40 }),
  tcpOptions: fc.uint8Array({ maxLength: 40 }),
  id: fc.nat(0xffff),
  sequence: fc.nat(0xffffffff),
  flags: fc.nat(0xff),
  port: fc.nat(0xffff),
  payload: fc.uint8Array({ minLength: 1, maxLength: 6000 }),
});

Deno.test("a sum of words is the one RFC 1071 describes, at any length and start", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(7), fc.nat(0xffff), (content, shift, initial) => {
      bytes.set(content, AT + shift);
      const expected = wordSum([initial >> 8, initial & 0xff, ...content]);
      const sum = plain.sum(AT + shift, content.length, initial);
      assert.equal(sum % 0xffff, expected % 0xffff);
      assert.equal(arena.sum(AT + shift, content.length, initial), sum, "the kernel's");
    }),
    runs(100),
  );
});

Deno.test("a super-packet becomes the segments that its slow twin makes", () => {
  fc.assert(
    fc.property(tcp, fc.integer({ min: 1, max: 1500 }), (fields, size) => {
      const packet = superPacket(fields, size);
      const read = new SuperPacket(arena);
      assert.ok(read.read(AT, VNET_HEADER_BYTES + packet.length));
      const expected = segmentsOf(fields, size);
      assert.equal(read.segments, expected.length);
      for (const [index, segment] of expected.entries()) {
        const place = read.takeSegment(index);
        assert.deepEqual(bytes.slice(place, place + read.segmentBytes(index)), segment, `segment ${index}`);
      }
    }),
    runs(100),
  );
});

Deno.test("a UDP super-packet becomes the datagrams that its slow twin makes", () => {
  fc.assert(
    fc.property(tcp, fc.integer({ min: 1, max: 1500 }), (fields, size) => {
      const packet = udpPacket(fields);
      setSuperPacket(packet, 5, size);
      const read = new SuperPacket(arena);
      assert.ok(read.read(AT, VNET_HEADER_BYTES + packet.length));
      const expected = datagramsOf(fields, size);
      assert.equal(read.segments, expected.length);
      for (const [index, datagram] of expected.entries()) {
        const place = read.takeSegment(index);
        assert.deepEqual(bytes.slice(place, place + read.segmentBytes(index)), datagram, `datagram ${index}`);
      }
    }),
    runs(100),
  );
});

Deno.test("a packet without a finished checksum gets it, and any other stays as it is", () => {
  fc.assert(
    fc.property(tcp, fc.boolean(), (fields, unfinished) => {
      const whole = tcpPacket(fields);
      const transport = fields.version === 4 ? (whole[0]! & 15) * 4 : 40;
      bytes.fill(0, AT, AT + VNET_HEADER_BYTES);
      bytes.set(whole, AT + VNET_HEADER_BYTES);
      if (unfinished) leaveChecksum(whole, transport);
      const read = new SuperPacket(arena);
      assert.ok(read.read(AT, VNET_HEADER_BYTES + whole.length));
      assert.equal(read.segments, 1);
      assert.deepEqual(bytes.slice(read.offset, read.offset + read.length), whole);
    }),
    runs(100),
  );
});

Deno.test("headers that lie are refused, and none makes it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      bytes.set(noise, AT);
      const read = new SuperPacket(arena);
      if (!read.read(AT, noise.length)) return;
      assert.ok(read.offset + read.length <= AT + noise.length);
      for (let index = 0; index < Math.min(read.segments, 300); index++) {
        assert.ok(read.takeSegment(index) + read.segmentBytes(index) <= AT + noise.length);
      }
    }),
    runs(100),
  );
  const fields = { ...sample, payload: new Uint8Array(100) };
  for (const [at, value] of [[0, 0x65], [0, 0x4f], [9, 17], [32, 0x10], [32, 0xf0]] as const) {
    const packet = superPacket(fields, 50);
    bytes[AT + VNET_HEADER_BYTES + at] = value;
    assert.equal(new SuperPacket(arena).read(AT, VNET_HEADER_BYTES + packet.length - 90), false, `${at}`);
  }
});

const sample: TcpFields = {
  version: 4,
  ipOptions: new Uint8Array(0),
  tcpOptions: new Uint8Array(0),
  id: 1,
  sequence: 1,
  flags: 0x10,
  port: 1,
  payload: new Uint8Array(0),
};

/** Puts the packet into the arena as the kernel hands it over. */
function superPacket(fields: TcpFields, size: number): Uint8Array {
  const packet = tcpPacket(fields);
  setSuperPacket(packet, fields.version === 4 ? 1 : 4, size);
  return packet;
}

function setSuperPacket(packet: Uint8Array, type: number, size: number): void {
  bytes.fill(0, AT, AT + VNET_HEADER_BYTES);
  bytes[AT] = 1;
  bytes[AT + 1] = type;
  view.setUint16(AT + 4, size, true);
  bytes.set(packet, AT + VNET_HEADER_BYTES);
}

/** As the kernel leaves it: the sum over the pseudo-header in the field, and where the rest starts. */
function leaveChecksum(whole: Uint8Array, transport: number): void {
  const length = whole.length - transport;
  const addresses = transport === 40 && whole[0]! >> 4 === 6 ? whole.slice(8, 40) : whole.slice(12, 20);
  bytes[AT] = 1;
  view.setUint16(AT + 6, transport, true);
  view.setUint16(AT + 8, 16, true);
  view.setUint16(AT + VNET_HEADER_BYTES + transport + 16, wordSum([...addresses, 0, 6, length >> 8, length & 0xff]));
}
