import assert from "node:assert/strict";
import fc from "fast-check";
import { clampMss } from "../../../agent/dataplane/offload/mss-clamp.ts";
import { runs } from "../support/fuzz.ts";
import { type TcpFields, tcpPacket } from "./support/ip-packets.ts";

const [SYN, ACK] = [0x02, 0x10];
const none = new Uint8Array(0);
const plain = { ipOptions: none, id: 7, sequence: 9, port: 443, payload: none };
const mss = (size: number) => [2, 4, size >> 8, size & 0xff];
const [NOP, END] = [[1], [0]];

const option = fc.oneof(
  fc.constant(NOP),
  fc.constant(END),
  fc.nat(0xffff).map(mss),
  // Window scale, SACK permitted, timestamps, and whatever else.
  fc.constantFrom([3, 3, 7], [4, 2], [8, 10, 1, 2, 3, 4, 5, 6, 7, 8]),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => [...bytes]),
);
const packets: fc.Arbitrary<TcpFields> = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  ipOptions: fc.uint8Array({ maxLength: 40 }),
  tcpOptions: fc.array(option, { maxLength: 12 }).map((options) => Uint8Array.from(options.flat())),
  id: fc.nat(0xffff),
  sequence: fc.nat(0xffffffff),
  flags: fc.nat(0xff),
  port: fc.nat(0xffff),
  payload: fc.uint8Array({ maxLength: 40 }),
});

/** The slow twin: the same options with smaller sizes, in a packet that is made anew. */
function clampedTwin(fields: TcpFields, most: number): Uint8Array {
  const options = [...fields.tcpOptions.slice(0, Math.min(40, fields.tcpOptions.length & ~3))];
  if ((fields.flags & SYN) === 0) return tcpPacket(fields);
  let rest = options.slice();
  const done: number[] = [];
  while (rest.length > 0 && rest[0] !== 0) {
    const bytes = rest[0] === 1 ? 1 : rest[1] ?? 0;
    if (rest[0] !== 1 && (bytes < 2 || bytes > rest.length)) break;
    const [kind, , high = 0, low = 0] = rest;
    const size = high * 256 + low;
    done.push(...(kind === 2 && bytes === 4 && size > most ? mss(most) : rest.slice(0, bytes)));
    rest = rest.slice(bytes);
  }
  return tcpPacket({ ...fields, tcpOptions: Uint8Array.from([...done, ...rest]) });
}

function clamped(packet: Uint8Array, mtuBytes: number, at = 3): Uint8Array {
  const room = new Uint8Array(packet.length + 16).fill(0xee);
  room.set(packet, at);
  clampMss({ bytes: room, view: new DataView(room.buffer) }, at, packet.length, mtuBytes);
  assert.ok([...room.slice(0, at), ...room.slice(at + packet.length)].every((byte) => byte === 0xee));
  return room.slice(at, at + packet.length);
}

Deno.test("a clamped SYN is the packet its slow twin makes, whatever its options, and no other packet changes", () => {
  fc.assert(
    fc.property(packets, fc.integer({ min: 576, max: 9000 }), (fields, mtu) => {
      const most = mtu - (fields.version === 4 ? 40 : 60);
      assert.deepEqual(clamped(tcpPacket(fields), mtu), clampedTwin(fields, most));
    }),
    runs(500),
  );
});

Deno.test("SYN and SYN-ACK announce at most the MTU less 40 bytes over IPv4, 60 over IPv6", () => {
  for (const flags of [SYN, SYN | ACK]) {
    for (const [version, most] of [[4, 1240], [6, 1220]] as const) {
      for (const lead of [[], NOP]) {
        const fill = lead.length === 0 ? [] : [1, 1, 1];
        const options = (size: number) => Uint8Array.from([...lead, ...mss(size), ...fill]);
        const fields = (size: number): TcpFields => ({ ...plain, version, flags, tcpOptions: options(size) });
        assert.deepEqual(clamped(tcpPacket(fields(1460)), 1280), tcpPacket(fields(most)));
        assert.deepEqual(clamped(tcpPacket(fields(most)), 1280), tcpPacket(fields(most)));
        assert.deepEqual(clamped(tcpPacket(fields(536)), 1280), tcpPacket(fields(536)));
      }
    }
  }
});

Deno.test("a wrong checksum stays wrong, a later fragment stays as it is", () => {
  const syn = tcpPacket({ ...plain, version: 4, flags: SYN, tcpOptions: Uint8Array.from(mss(1460)) });
  const right = clamped(syn, 1280);
  const off = clamped(syn.with(37, syn[37]! ^ 1) as Uint8Array, 1280);
  assert.equal(off[37]! ^ 1, right[37]);
  const fragment = syn.with(7, 5) as Uint8Array;
  assert.deepEqual(clamped(fragment, 1280), fragment);
});

Deno.test("headers that lie make no change outside the packet", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 40, maxLength: 100 }), fc.constantFrom(0x40, 0x60), (bytes, version) => {
      bytes[0] = version | (bytes[0]! & 15);
      bytes[version === 0x40 ? 9 : 6] = 6;
      clamped(bytes, 1280);
    }),
    runs(500),
  );
});
