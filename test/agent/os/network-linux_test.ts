import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { LinuxNetwork } from "../../../agent/os/network-linux.ts";
import { LinuxTun } from "../../../agent/tun/linux.ts";
import { inPrivateNetwork, mayHavePrivateNetwork } from "./support/private-network.ts";

const ignore = !mayHavePrivateNetwork;
const own = { address: Uint8Array.of(100, 64, 0, 3), bits: 32 };
const other = { address: Uint8Array.of(100, 64, 0, 9), bits: 32 };
const pool = { address: Uint8Array.of(100, 64, 0, 3), bits: 10 };
const office = { address: Uint8Array.of(10, 1, 2, 0), bits: 24 };
const own6 = { address: Uint8Array.of(0xfd, 0x7a, ...new Uint8Array(13), 3), bits: 128 };
const pool6 = { address: Uint8Array.of(0xfd, 0x7a, ...new Uint8Array(14)), bits: 48 };

function withTun(act: (tun: LinuxTun) => void): void {
  inPrivateNetwork(() => {
    const tun = new LinuxTun({ name: "ztna0", mtuBytes: 1420, batchSize: 4, arenaAddress: 0n });
    try {
      act(tun);
    } finally {
      tun.close();
    }
  });
}

/** Destinations routed to the interface, as hexadecimal words of the routing table (little endian) with the mask. */
function routes(): string[] {
  const lines = readFileSync("/proc/thread-self/net/route", "utf8").trim().split("\n").slice(1);
  return lines.map((line) => line.split("\t")).map((fields) => `${fields[1]}/${fields[7]}`).sort();
}

function addresses(): string[] {
  return Deno.networkInterfaces().filter(({ name }) => name === "ztna0").map(({ address }) => address);
}

Deno.test({
  name: "The interface gets its MTU, addresses and routes of both families and is up",
  ignore,
  fn: () =>
    withTun((tun) => {
      const network = new LinuxNetwork(tun.name);
      network.apply({ mtuBytes: 1380, addresses: [own, own6], routes: [pool, pool6] });
      deepEqual(routes(), ["00004064/0000C0FF"]);
      ok(addresses().includes("100.64.0.3"));
      ok(addresses().includes("fd7a::3"));
      const six = readFileSync("/proc/thread-self/net/ipv6_route", "utf8");
      ok(/^fd7a0{28} 30 .* ztna0$/m.test(six), six);
      network.close();
      deepEqual(routes(), []);
    }),
});

Deno.test({
  name: "Applying a new configuration adds what is new, drops what is gone and keeps the rest",
  ignore,
  fn: () =>
    withTun((tun) => {
      const network = new LinuxNetwork(tun.name);
      network.apply({ mtuBytes: 1420, addresses: [own], routes: [pool] });
      network.apply({ mtuBytes: 1420, addresses: [own], routes: [pool, office] });
      deepEqual(routes(), ["00004064/0000C0FF", "0002010A/00FFFFFF"]);
      network.apply({ mtuBytes: 1420, addresses: [other], routes: [office] });
      deepEqual(routes(), ["0002010A/00FFFFFF"]);
      deepEqual(addresses().filter((address) => address.includes(".")), ["100.64.0.9"]);
      network.close();
    }),
});

Deno.test({
  name: "A route another interface has is refused in words and not taken over",
  ignore,
  fn: () =>
    withTun((first) => {
      const theirs = new LinuxNetwork(first.name);
      theirs.apply({ mtuBytes: 1420, addresses: [own], routes: [pool] });
      const second = new LinuxTun({ name: "ztna0", mtuBytes: 1420, batchSize: 4, arenaAddress: 0n });
      equal(second.name, "ztna1");
      const ours = new LinuxNetwork(second.name);
      throws(() => ours.apply({ mtuBytes: 1420, addresses: [other], routes: [pool] }), {
        name: "NetworkRefused",
        message: "Cannot route 100.64.0.0/10 to ztna1: it is in use by another interface.",
      });
      ours.close();
      deepEqual(routes(), ["00004064/0000C0FF"]);
      theirs.close();
      second.close();
    }),
});

Deno.test({
  name: "An interface that is not there is named",
  ignore,
  fn: () => {
    const openFiles = () => readdirSync("/proc/self/fd").length;
    const before = openFiles();
    throws(() => new LinuxNetwork("nosuch9"), { message: "There is no interface nosuch9." });
    equal(openFiles(), before);
  },
});

Deno.test({
  name: "Closed once more, it leaves alone whatever file has got its number meanwhile",
  ignore,
  fn: () =>
    withTun((tun) => {
      const network = new LinuxNetwork(tun.name);
      network.apply({ mtuBytes: 1420, addresses: [own], routes: [pool] });
      network.close();
      const others = Array.from({ length: 32 }, () => openSync("/dev/null", "w"));
      network.close();
      for (const other of others) {
        equal(writeSync(other, "still open"), 10);
        closeSync(other);
      }
    }),
});
