import { deepEqual, equal, ok } from "node:assert/strict";
import type { UdpOptions } from "../../agent/net/udp.ts";
import { WindowsUdp } from "../../agent/net/udp-windows.ts";
import { kernel32 } from "../../agent/os/ffi/kernel32-windows.ts";
import { addressOf } from "../../agent/os/ffi/memory.ts";
import { datagram, flush, loopback4, openEnd, queue, received, testUdp } from "../agent/net/support/udp-suite.ts";

const openUdp = (options: UdpOptions) => new WindowsUdp(options);

testUdp("Windows", openUdp);

const WAIT_TIMEOUT = 258;

/** Milliseconds at most; whether the event was set. */
function isSet(event: bigint, timeoutMs: number): boolean {
  const handles = new BigUint64Array(new SharedArrayBuffer(8));
  handles[0] = event;
  return kernel32.WaitForMultipleObjects(1, addressOf(new Uint8Array(handles.buffer)), 0, timeoutMs) !== WAIT_TIMEOUT;
}

Deno.test("Windows UDP: its event is set when a datagram comes, and again after what came was taken", () => {
  const [a, b] = [openEnd(openUdp), openEnd(openUdp)];
  const { readEvent } = b.udp as WindowsUdp;
  deepEqual(received(b), []);
  ok(!isSet(readEvent, 50));
  for (let round = 1; round <= 2; round++) {
    queue(a, datagram(round), { address: loopback4, port: b.udp.port });
    flush(a);
    ok(isSet(readEvent, 5_000));
    deepEqual(received(b).map(({ bytes }) => bytes), [datagram(round)]);
    deepEqual(received(b), []);
  }
  ok(!isSet(readEvent, 50));
  for (const end of [a, b]) end.udp.close();
});

Deno.test("Windows UDP: a datagram nobody takes, and offloads that are not there, harm nothing", () => {
  const [a, b] = [openEnd(openUdp), openEnd(openUdp)];
  const nobody = openEnd(openUdp);
  const { port } = nobody.udp;
  nobody.udp.close();
  for (const end of [a, b]) end.udp.setOffloads(true);
  for (let number = 0; number < 3; number++) queue(a, datagram(number), { address: loopback4, port });
  for (let number = 0; number < 3; number++) queue(a, datagram(9), { address: loopback4, port: b.udp.port });
  flush(a);
  deepEqual(received(a), []);
  equal(a.udp.fault, 0);
  const { count, lengths } = (ok(b.udp.receive()), b.udp.batch);
  equal(lengths.slice(0, count).reduce((sum, bytes) => sum + bytes, 0), 3 * datagram(9).length);
  for (const end of [a, b]) end.udp.close();
});

Deno.test("Windows UDP: a closed socket is a fault, not a loop", () => {
  const end = openEnd(openUdp);
  end.udp.close();
  equal(end.udp.receive(), false);
  queue(end, datagram(1), { address: loopback4, port: 9 });
  equal(end.udp.send(end.out), false);
  equal(end.udp.fault, 10038);
});
