import { deepEqual } from "node:assert/strict";
import { type InterfaceAddress, localEndpoints } from "../../../agent/os/local-endpoints.ts";

const addresses: InterfaceAddress[] = [
  { name: "lo", family: "IPv4", address: "127.0.0.1" },
  { name: "lo", family: "IPv6", address: "::1" },
  { name: "eth0", family: "IPv4", address: "192.168.1.20" },
  { name: "eth0", family: "IPv6", address: "2001:db8::20" },
  { name: "eth0", family: "IPv6", address: "fe80::1" },
  { name: "eth1", family: "IPv4", address: "169.254.7.7" },
  { name: "ztna0", family: "IPv4", address: "10.9.9.9" },
  { name: "ztna1", family: "IPv4", address: "100.127.255.254" },
  { name: "eth2", family: "IPv4", address: "100.128.0.1" },
];
const pool = { address: Uint8Array.of(100, 64, 0, 0), bits: 10 };

Deno.test("Peers are told the addresses of real interfaces and none that lead into a tunnel", () => {
  deepEqual(localEndpoints({ port: 41_641, interfaceName: "ztna0", pool }, addresses), [
    "192.168.1.20:41641",
    "[2001:db8::20]:41641",
    "100.128.0.1:41641",
  ]);
});

Deno.test("A pool that holds everything leaves IPv6 alone", () => {
  const all = { address: new Uint8Array(4), bits: 0 };
  deepEqual(localEndpoints({ port: 1, interfaceName: "ztna0", pool: all }, addresses), ["[2001:db8::20]:1"]);
});
