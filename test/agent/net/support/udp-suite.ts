import { deepEqual, equal, ok } from "node:assert/strict";
import { createArena, type DataArena, slotOffset } from "../../../../agent/dataplane/arena.ts";
import type { Endpoint } from "../../../../agent/dataplane/link.ts";
import { Outbox } from "../../../../agent/dataplane/outbox.ts";
import type { UdpDevice, UdpOptions } from "../../../../agent/net/udp.ts";
import { addressOf } from "../../../../agent/os/ffi/memory.ts";

export const loopback4 = Uint8Array.of(...new Uint8Array(10), 255, 255, 127, 0, 0, 1);
export const loopback6 = Uint8Array.of(...new Uint8Array(15), 1);

export interface End {
  readonly arena: DataArena;
  readonly udp: UdpDevice;
  readonly out: Outbox;
}

export type OpenUdp = (options: UdpOptions) => UdpDevice;

export function openEnd(openUdp: OpenUdp, port = 0): End {
  const arena = createArena(1420);
  const memory = { arena: arena.bytes, address: addressOf(arena.bytes), offset: arena.io.offset };
  const udp = openUdp({ port, memory, receive: receiveRegion(arena), sendSlots: arena.udpOut.slots });
  return { arena, udp, out: new Outbox(arena) };
}

/** Slots a little longer than a datagram, many of them. */
function receiveRegion({ udpIn }: DataArena): { offset: number; slotBytes: number; slots: number } {
  return { offset: udpIn.offset, slotBytes: 1600, slots: 64 };
}

/** What every UDP socket does, whichever system it is of. */
export function testUdp(kind: string, openUdp: OpenUdp): void {
  const test = (name: string, act: (a: End, b: End) => void) =>
    Deno.test(`${kind} UDP: ${name}`, () => withEnds(openUdp, act));

  for (const [family, address] of [["IPv4", loopback4], ["IPv6", loopback6]] as const) {
    test(`A batch over ${family} arrives in order, from the sender's address`, (a, b) => {
      for (let number = 0; number < 100; number++) queue(a, datagram(number), { address, port: b.udp.port });
      flush(a);
      const all = [...received(b), ...received(b)];
      deepEqual(all.map(({ bytes }) => bytes), Array.from({ length: 100 }, (_, number) => datagram(number)));
      deepEqual(all[99]!.source, { address, port: a.udp.port });
    });
  }

  test("One batch goes to several targets, and a slot is aimed anew when its target changes", (a, b) => {
    const [toA, toB] = [{ address: loopback4, port: a.udp.port }, { address: loopback6, port: b.udp.port }];
    for (const targets of [[toA, toB], [toB, toA]]) {
      targets.forEach((target, at) => queue(a, Uint8Array.of(at), target));
      flush(a);
      deepEqual(received(a).map(({ bytes }) => bytes), [Uint8Array.of(targets.indexOf(toA))]);
      deepEqual(received(b).map(({ bytes }) => bytes), [Uint8Array.of(targets.indexOf(toB))]);
    }
  });

  test("Datagrams of one sender share one source object", (a, b) => {
    for (let number = 0; number < 3; number++) queue(a, datagram(number), { address: loopback4, port: b.udp.port });
    flush(a);
    const [first, second, third] = received(b);
    ok(first!.source === second!.source && second!.source === third!.source);
  });

  test("A refused datagram is counted and does not stop the others", (a, b) => {
    const good = { address: loopback4, port: b.udp.port };
    queue(a, datagram(1), good);
    queue(a, datagram(2), { ...good, port: 0 });
    queue(a, datagram(3), good);
    flush(a);
    equal(a.udp.refused, 1);
    deepEqual(received(b).map(({ bytes }) => bytes), [datagram(1), datagram(3)]);
  });

  test("A datagram longer than a slot comes out empty and clobbers nothing", (a, b) => {
    const { slotBytes } = receiveRegion(b.arena);
    b.arena.bytes[slotOffset(receiveRegion(b.arena), 1)] = 77;
    a.arena.bytes.fill(1, a.arena.udpOut.offset, a.arena.udpOut.offset + slotBytes + 500);
    a.out.addDatagram(slotBytes + 500, { address: loopback4, port: b.udp.port });
    flush(a);
    deepEqual(received(b).map(({ bytes }) => bytes.length), [0]);
    equal(b.arena.bytes[slotOffset(receiveRegion(b.arena), 1)], 77);
  });

  test("Receiving when nothing waits returns at once with nothing", (a) => {
    deepEqual(received(a), []);
    equal(a.udp.fault, 0);
  });

  Deno.test(`${kind} UDP: A taken port gives way to a free one`, () => {
    const first = openEnd(openUdp);
    const second = openEnd(openUdp, first.udp.port);
    ok(second.udp.port > 0 && second.udp.port !== first.udp.port);
    first.udp.close();
    second.udp.close();
  });
}

export function queue({ arena, out }: End, bytes: Uint8Array, to: Endpoint): void {
  arena.bytes.set(bytes, out.nextDatagram());
  out.addDatagram(bytes.length, to);
}

export function flush({ udp, out }: End): void {
  ok(udp.send(out));
  out.clear();
}

export function received({ arena, udp }: End): { bytes: Uint8Array; source: Endpoint }[] {
  ok(udp.receive());
  const { batch } = udp;
  return Array.from({ length: batch.count }, (_, at) => ({
    bytes: arena.bytes.slice(batch.offsets[at], batch.offsets[at]! + batch.lengths[at]!),
    source: batch.sources[at]!,
  }));
}

export function withEnds(openUdp: OpenUdp, act: (a: End, b: End) => void): void {
  const [a, b] = [openEnd(openUdp), openEnd(openUdp)];
  try {
    act(a, b);
  } finally {
    a.udp.close();
    b.udp.close();
  }
}

export function datagram(number: number): Uint8Array {
  return new Uint8Array(32 + number * 11).fill(number);
}
