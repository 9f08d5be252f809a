import { deepEqual, equal, ok } from "node:assert/strict";
import { createArena, type DataArena, slotOffset } from "../../../agent/dataplane/arena.ts";
import type { Endpoint } from "../../../agent/dataplane/link.ts";
import { Outbox } from "../../../agent/dataplane/outbox.ts";
import { LinuxUdp } from "../../../agent/net/udp-linux.ts";
import { addressOf } from "../../../agent/os/ffi/memory.ts";

const loopback4 = Uint8Array.of(...new Uint8Array(10), 255, 255, 127, 0, 0, 1);
const loopback6 = Uint8Array.of(...new Uint8Array(15), 1);

interface End {
  readonly arena: DataArena;
  readonly udp: LinuxUdp;
  readonly out: Outbox;
}

function open(port = 0): End {
  const arena = createArena(1420);
  const memory = { arena: arena.bytes, address: addressOf(arena.bytes), offset: arena.io.offset };
  const udp = new LinuxUdp({ port, memory, receive: receiveRegion(arena), sendSlots: arena.udpOut.slots });
  return { arena, udp, out: new Outbox(arena) };
}

/** Slots a little longer than a datagram, many of them. */
function receiveRegion({ udpIn }: DataArena): { offset: number; slotBytes: number; slots: number } {
  return { offset: udpIn.offset, slotBytes: 1600, slots: 64 };
}

function queue({ arena, out }: End, bytes: Uint8Array, to: Endpoint): void {
  arena.bytes.set(bytes, out.nextDatagram());
  out.addDatagram(bytes.length, to);
}

function flush({ udp, out }: End): void {
  ok(udp.send(out));
  out.clear();
}

function received({ arena, udp }: End): { bytes: Uint8Array; source: Endpoint }[] {
  ok(udp.receive());
  const { batch } = udp;
  return Array.from({ length: batch.count }, (_, at) => ({
    bytes: arena.bytes.slice(batch.offsets[at], batch.offsets[at]! + batch.lengths[at]!),
    source: batch.sources[at]!,
  }));
}

function withEnds(act: (a: End, b: End) => void): () => void {
  return () => {
    const [a, b] = [open(), open()];
    try {
      act(a, b);
    } finally {
      a.udp.close();
      b.udp.close();
    }
  };
}

function datagram(number: number): Uint8Array {
  return new Uint8Array(32 + number * 11).fill(number);
}

for (const [family, address] of [["IPv4", loopback4], ["IPv6", loopback6]] as const) {
  Deno.test(
    `A batch over ${family} arrives in order, from the sender's address`,
    withEnds((a, b) => {
      for (let number = 0; number < 100; number++) queue(a, datagram(number), { address, port: b.udp.port });
      flush(a);
      const all = [...received(b), ...received(b)];
      deepEqual(all.map(({ bytes }) => bytes), Array.from({ length: 100 }, (_, number) => datagram(number)));
      deepEqual(all[99]!.source, { address, port: a.udp.port });
    }),
  );
}

Deno.test(
  "One batch goes to several targets, and a slot is aimed anew when its target changes",
  withEnds((a, b) => {
    const [toA, toB] = [{ address: loopback4, port: a.udp.port }, { address: loopback6, port: b.udp.port }];
    for (const targets of [[toA, toB], [toB, toA]]) {
      targets.forEach((target, at) => queue(a, Uint8Array.of(at), target));
      flush(a);
      deepEqual(received(a).map(({ bytes }) => bytes), [Uint8Array.of(targets.indexOf(toA))]);
      deepEqual(received(b).map(({ bytes }) => bytes), [Uint8Array.of(targets.indexOf(toB))]);
    }
  }),
);

Deno.test(
  "Datagrams of one sender share one source object",
  withEnds((a, b) => {
    for (let number = 0; number < 3; number++) queue(a, datagram(number), { address: loopback4, port: b.udp.port });
    flush(a);
    const [first, second, third] = received(b);
    ok(first!.source === second!.source && second!.source === third!.source);
  }),
);

Deno.test(
  "A refused datagram is counted and does not stop the others",
  withEnds((a, b) => {
    const good = { address: loopback4, port: b.udp.port };
    queue(a, datagram(1), good);
    queue(a, datagram(2), { ...good, port: 0 });
    queue(a, datagram(3), good);
    flush(a);
    equal(a.udp.refused, 1);
    deepEqual(received(b).map(({ bytes }) => bytes), [datagram(1), datagram(3)]);
  }),
);

Deno.test(
  "A datagram longer than a slot comes out empty and clobbers nothing",
  withEnds((a, b) => {
    const { slotBytes } = receiveRegion(b.arena);
    b.arena.bytes[slotOffset(receiveRegion(b.arena), 1)] = 77;
    a.arena.bytes.fill(1, a.arena.udpOut.offset, a.arena.udpOut.offset + slotBytes + 500);
    a.out.addDatagram(slotBytes + 500, { address: loopback4, port: b.udp.port });
    flush(a);
    deepEqual(received(b).map(({ bytes }) => bytes.length), [0]);
    equal(b.arena.bytes[slotOffset(receiveRegion(b.arena), 1)], 77);
  }),
);

Deno.test(
  "Receiving when nothing waits returns at once with nothing",
  withEnds((a) => {
    deepEqual(received(a), []);
    equal(a.udp.fault, 0);
  }),
);

Deno.test(
  "Each datagram arrives with the ECN bits it was sent with, of both families, alone and in runs",
  withEnds((a, b) => {
    for (const address of [loopback4, loopback6]) {
      const to = { address, port: b.udp.port };
      for (const end of [a, b]) end.udp.setOffloads(true);
      const sent = [0, 2, 2, 2, 3, 1, 0, 0];
      for (const [number, ecn] of sent.entries()) {
        a.arena.bytes.set(datagram(number), a.out.nextDatagram());
        a.out.addDatagram(datagram(number).length, to, ecn);
      }
      flush(a);
      ok(b.udp.receive());
      const { count, ecn, lengths, segments } = b.udp.batch;
      const seen = Array.from({ length: count }, (_, at) => {
        const datagrams = segments[at] === 0 ? 1 : Math.ceil(lengths[at]! / segments[at]!);
        return Array<number>(datagrams).fill(ecn[at]!);
      });
      deepEqual(seen.flat(), sent);
    }
  }),
);

Deno.test("A closed socket is a fault, not a loop", () => {
  const end = open();
  end.udp.close();
  equal(end.udp.receive(), false);
  queue(end, datagram(1), { address: loopback4, port: 9 });
  equal(end.udp.send(end.out), false);
  equal(end.udp.fault, 9);
});

Deno.test("A taken port gives way to a free one", () => {
  const first = open();
  const second = open(first.udp.port);
  ok(second.udp.port > 0 && second.udp.port !== first.udp.port);
  first.udp.close();
  second.udp.close();
});
