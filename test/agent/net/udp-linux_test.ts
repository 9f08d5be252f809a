import { deepEqual, equal, ok } from "node:assert/strict";
import type { UdpOptions } from "../../../agent/net/udp.ts";
import { LinuxUdp } from "../../../agent/net/udp-linux.ts";
import {
  datagram,
  type End,
  flush,
  loopback4,
  loopback6,
  openEnd,
  queue,
  testUdp,
  withEnds,
} from "./support/udp-suite.ts";

const openUdp = (options: UdpOptions) => new LinuxUdp(options);
const test = (name: string, act: (a: End, b: End) => void) => Deno.test(name, () => withEnds(openUdp, act));

testUdp("Linux", openUdp);

test("Each datagram arrives with the ECN bits it was sent with, of both families, alone and in runs", (a, b) => {
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
});

Deno.test("A closed socket is a fault, not a loop", () => {
  const end = openEnd(openUdp);
  end.udp.close();
  equal(end.udp.receive(), false);
  queue(end, datagram(1), { address: loopback4, port: 9 });
  equal(end.udp.send(end.out), false);
  equal(end.udp.fault, 9);
});
