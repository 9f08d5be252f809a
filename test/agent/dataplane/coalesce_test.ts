import assert from "node:assert/strict";
import fc from "fast-check";
import { loadKernel } from "../../../agent/crypto/kernel/kernel.ts";
import { createArena, type DataArena } from "../../../agent/dataplane/arena.ts";
import { Coalescer } from "../../../agent/dataplane/offload/coalesce.ts";
import { SuperPacket } from "../../../agent/dataplane/offload/split.ts";
import { VNET_HEADER_BYTES } from "../../../agent/dataplane/offload/vnet-header.ts";
import { Outbox } from "../../../agent/dataplane/outbox.ts";
import { runs } from "../support/fuzz.ts";
import { segmentsOf, type TcpFields, tcpPacket } from "./support/ip-packets.ts";

const plain = createArena(1420);
const arena = { ...plain, sum: loadKernel(plain)!.sum };
const out = new Outbox(arena);
const coalescer = new Coalescer(arena);
const scratch = createArena(1420);
const none = new Uint8Array(0);

const stream: TcpFields = {
  version: 4,
  ipOptions: none,
  tcpOptions: Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2),
  id: 7,
  sequence: 0xfffffc00,
  flags: 0x18,
  port: 5201,
  payload: Uint8Array.from({ length: 14_000 }, (_, at) => at),
};

for (const version of [4, 6] as const) {
  Deno.test(`the segments of one IPv${version} stream become one write, and that again the segments`, () => {
    const segments = segmentsOf({ ...stream, version }, 1368);
    const writes = coalesced(segments);
    assert.equal(writes.length, 1);
    assert.deepEqual(writes.flatMap(packetsOf), segments);
  });
}

Deno.test("what comes out are the packets that went in, in their order, whatever they are", () => {
  const flow = fc.record({
    version: fc.constantFrom(4 as const, 6 as const),
    ipOptions: fc.constantFrom(none, new Uint8Array(4)),
    tcpOptions: fc.constantFrom(none, stream.tcpOptions),
    id: fc.nat(9),
    sequence: fc.constantFrom(0, 100, 0xffffff00),
    flags: fc.constantFrom(0x10, 0x18, 0x11, 0x02, 0x90),
    port: fc.nat(2),
    payload: fc.uint8Array({ minLength: 1, maxLength: 2000 }),
  });
  const run = fc.tuple(flow, fc.integer({ min: 20, max: 600 }), fc.option(fc.nat(99), { nil: undefined }));
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 4 }), (streams) => {
      const packets = streams.flatMap(([fields, size, broken]) => {
        const segments = segmentsOf(fields, size);
        const victim = segments[(broken ?? 0) % segments.length]!;
        if (broken !== undefined) victim[victim.length - 1]! ^= 1;
        return segments;
      });
      assert.deepEqual(coalesced(packets).flatMap(packetsOf).map(withoutId), packets.map(withoutId));
    }),
    runs(500),
  );
});

Deno.test("a packet with a wrong checksum is joined with nothing and arrives as it came", () => {
  const segments = segmentsOf(stream, 1000);
  segments[3]![500]! ^= 4;
  const writes = coalesced(segments);
  assert.equal(writes.length, 3);
  assert.deepEqual(packetsOf(writes[1]!), [segments[3]]);
});

Deno.test("a pushed segment ends the write", () => {
  const packets = [...segmentsOf({ ...stream, payload: new Uint8Array(3000) }, 1000)];
  const next = tcpPacket({ ...stream, sequence: (stream.sequence + 3000) >>> 0, payload: new Uint8Array(1000) });
  assert.equal(coalesced([...packets, next]).length, 2);
});

/** What is written for these packets, each write with the kernel's header. */
function coalesced(packets: readonly Uint8Array[]): Uint8Array[] {
  out.clear();
  let at = arena.udpIn.offset;
  for (const packet of packets) {
    arena.bytes.set(packet, at + 16);
    out.addPacket(at + 16, packet.length);
    at += packet.length + 48;
  }
  coalescer.coalesce(out);
  const writes: number[][] = [];
  for (let index = 0; index < out.packetCount; index++) {
    const joined = out.packetJoined[index] === 1;
    const start = out.packetOffsets[index]! - (joined ? 0 : VNET_HEADER_BYTES);
    const piece = arena.bytes.slice(start, out.packetOffsets[index]! + out.packetLengths[index]!);
    if (joined) writes.at(-1)!.push(...piece);
    else writes.push([...piece]);
  }
  return writes.map((write) => Uint8Array.from(write));
}

/** What the kernel makes of a write. */
function packetsOf(write: Uint8Array): Uint8Array[] {
  const { offset } = scratch.tunIn;
  scratch.bytes.set(write, offset);
  const packet = new SuperPacket(scratch);
  assert.ok(packet.read(offset, write.length));
  return Array.from({ length: packet.segments }, (_, index) => segmentOf(scratch, packet, index));
}

function segmentOf({ bytes }: DataArena, packet: SuperPacket, index: number): Uint8Array {
  const place = packet.takeSegment(index);
  return bytes.slice(place, place + packet.segmentBytes(index));
}

/** Joining gives the identifications of the first packet and those after it. */
function withoutId(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if (copy[0]! >>> 4 === 4) copy.fill(0, 4, 6).fill(0, 10, 12);
  return copy;
}
