import { deepEqual, equal, ok } from "node:assert/strict";
import type { TunDevice } from "../../../../agent/tun/device.ts";
import type { TunRig } from "./rig.ts";

/** What is on the other side of a TUN: it sends packets into the tunnel and gets what comes out. */
export interface FarSide {
  push(packet: Uint8Array): void;
  collect(): Uint8Array[];
  close(): void;
}

export type Act = (tun: TunDevice, far: FarSide, rig: TunRig) => void;

/** What every TUN does, whichever system it is of. */
export function testTun(kind: string, ignore: boolean, withTun: (act: Act) => void): void {
  const test = (name: string, act: Act) => Deno.test({ name: `${kind} TUN: ${name}`, ignore, fn: () => withTun(act) });

  test("packets sent into the tunnel are read whole and in order", (tun, far, rig) => {
    rig.read(tun);
    const packets = [20, 1420, 100].map((length, mark) => ipv4Packet(1, 7, length, mark));
    packets.forEach((packet) => far.push(packet));
    deepEqual(rig.read(tun), packets);
  });

  test("a read takes one batch and leaves the rest for the next", (tun, far, rig) => {
    rig.read(tun);
    const packets = Array.from({ length: rig.batchSize + 3 }, (_, mark) => ipv4Packet(1, 7, 60, mark));
    packets.forEach((packet) => far.push(packet));
    deepEqual(rig.read(tun), packets.slice(0, rig.batchSize));
    deepEqual(rig.read(tun), packets.slice(rig.batchSize));
  });

  test("reading when nothing waits returns at once with nothing", (tun, _far, rig) => {
    rig.read(tun);
    deepEqual(rig.read(tun), []);
    equal(tun.fault, 0);
  });

  test("packets written come out on the far side whole and in order", (tun, far, rig) => {
    const packets = [20, 1420, 100].map((length, mark) => ipv4Packet(7, 1, length, mark));
    ok(rig.write(tun, packets));
    deepEqual(far.collect(), packets);
    equal(tun.refused, 0);
  });
}

/** An IPv4 packet of an unassigned protocol with a right checksum. Host 1 is this side's kernel. */
export function ipv4Packet(fromHost: number, toHost: number, length: number, mark: number): Uint8Array {
  const packet = new Uint8Array(length).fill(mark, 20);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0]);
  view.setUint16(2, length);
  view.setUint16(4, 1 + mark);
  packet.set([64, 253], 8);
  packet.set([100, 64, 0, fromHost, 100, 64, 0, toHost], 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return packet;
}
