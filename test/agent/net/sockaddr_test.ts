import { deepEqual, equal, notEqual } from "node:assert/strict";
import { AF_INET6 } from "../../../agent/net/ffi/socket-linux.ts";
import { AF_INET, SockaddrCodec } from "../../../agent/net/sockaddr.ts";

const ipv4 = { address: Uint8Array.of(...new Uint8Array(10), 255, 255, 192, 0, 2, 7), port: 0x1234 };
const ipv6 = { address: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 7), port: 65_535 };

Deno.test("An IPv4 address is a sockaddr_in for an IPv4 socket", () => {
  const arena = new Uint8Array(64);
  const codec = new SockaddrCodec(AF_INET, arena);
  equal(codec.write(8, ipv4), 16);
  deepEqual([...arena.subarray(8, 24)], [2, 0, 0x12, 0x34, 192, 0, 2, 7, ...new Uint8Array(8)]);
  deepEqual(codec.read(8), ipv4);
});

Deno.test("An IPv6 target has no place on an IPv4 socket: the kernel gets a family it refuses", () => {
  const arena = new Uint8Array(64);
  new SockaddrCodec(AF_INET, arena).write(0, ipv6);
  equal(arena[0], 0xff);
});

Deno.test("Both families are sockaddr_in6 for a socket of both", () => {
  const arena = new Uint8Array(64);
  const codec = new SockaddrCodec(AF_INET6, arena);
  for (const endpoint of [ipv4, ipv6]) {
    equal(codec.write(0, endpoint), 28);
    deepEqual([...arena.subarray(0, 8)], [10, 0, endpoint.port >> 8, endpoint.port & 255, 0, 0, 0, 0]);
    deepEqual(arena.slice(8, 24), endpoint.address);
    deepEqual(codec.read(0), endpoint);
  }
});

Deno.test("Senders that differ in one bit of address or port are told apart, however often they alternate", () => {
  const arena = new Uint8Array(64);
  for (const family of [AF_INET, AF_INET6]) {
    const codec = new SockaddrCodec(family, arena);
    const others = [
      { ...ipv4, port: ipv4.port ^ 1 },
      { ...ipv4, port: ipv4.port ^ 0x400 },
      { ...ipv4, address: ipv4.address.with(15, 6) },
      { ...ipv4, address: ipv4.address.with(12, 193) },
    ];
    for (const other of others) {
      for (const endpoint of [ipv4, other, ipv4, other]) {
        codec.write(0, endpoint);
        deepEqual(codec.read(0), endpoint);
      }
    }
  }
});

Deno.test("A known sender is one object, and what was handed out never changes", () => {
  const arena = new Uint8Array(64);
  const codec = new SockaddrCodec(AF_INET6, arena);
  codec.write(0, ipv4);
  const first = codec.read(0);
  equal(codec.read(0), first);
  codec.write(0, ipv6);
  notEqual(codec.read(0), first);
  deepEqual(first, ipv4);
});
