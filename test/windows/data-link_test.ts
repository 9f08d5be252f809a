import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { DataLink } from "../../agent/daemon/data-link.ts";
import { windowsLink } from "../../agent/daemon/link-windows.ts";
import { ipv4Packet } from "../agent/tun/support/tun-suite.ts";
import { WireGuardEnd } from "./support/wireguard-end.ts";

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    ok(performance.now() < end, "waited too long");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function withTunnel(act: (a: WireGuardEnd, b: WireGuardEnd) => Promise<void>): Promise<void> {
  const [a, b] = [await WireGuardEnd.open(), await WireGuardEnd.open()];
  a.meet(b, 2);
  b.meet(a, 1);
  try {
    await act(a, b);
  } finally {
    await a.close();
    await b.close();
  }
}

Deno.test("Windows: packets cross from one WinTun to the other by UDP, after a handshake, all and in order", () =>
  withTunnel(async (a, b) => {
    for (const [from, to, source, target] of [[a, b, 1, 2], [b, a, 2, 1]] as const) {
      const packets = Array.from({ length: 1_000 }, (_, at) => ipv4Packet(source, target, 60 + at, at & 255));
      const arrived: Uint8Array[] = [];
      for (const [sent, packet] of packets.entries()) {
        from.far.push(packet);
        await until(() => {
          arrived.push(...to.far.collect());
          // The double's rings hold 256 packets, and a queue without a session 64.
          return sent - arrived.length < 48;
        });
      }
      await until(() => arrived.push(...to.far.collect()) >= packets.length);
      deepEqual(arrived, packets);
    }
    for (const { device, link, faults } of [a, b]) {
      const [peer] = [...device.peers()];
      equal(peer!.handshakes, 1);
      equal(peer!.path.via, "udp");
      equal(link.threads, 1);
      deepEqual(Object.values(link.drops()).filter((count) => count > 0), []);
      deepEqual(faults, []);
    }
    ok(a.link.io()["udp.sent"] >= 1_000 && a.link.io()["udp.received"] >= 1_000);
  }));

Deno.test("Windows: a packet or a datagram ends the sleep of an idle data thread", () =>
  withTunnel(async (a, b) => {
    const tookMs: number[] = [];
    for (let round = 0; round < 6; round++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      const start = performance.now();
      a.far.push(ipv4Packet(1, 2, 60, round));
      await until(() => b.far.collect().length === 1);
      tookMs.push(performance.now() - start);
    }
    // By its time alone each thread would wake twice a second; the best forgives a busy host.
    ok(Math.min(...tookMs) < 100, `${tookMs} ms`);
  }));

Deno.test("Windows: an adapter that is taken away is told as a fault, and closing does not wait for it", () =>
  withTunnel(async (a) => {
    a.far.stop();
    await until(() => a.faults.length > 0);
    const [fault] = a.faults;
    deepEqual({ where: fault!.where, errno: fault!.errno }, { where: "tun", errno: 38 });
    match(fault!.message, /^The interface ztna\d is gone\.$/);
  }));

Deno.test("Windows: without wintun.dll there is no tunnel, and one line that says so", async () => {
  const library = { path: "C:\\nowhere\\wintun.dll", sha256: "0".repeat(64) };
  const tun = { kind: "kernel", name: "ztna0", mtuBytes: 1420, library } as const;
  await rejects(DataLink.open({ tun, listenPort: 0, onEvent: () => {} }, windowsLink), {
    name: "TunUnavailable",
    message: /wintun\.dll is missing\. Install QuickZTNA again\./,
  });
});
