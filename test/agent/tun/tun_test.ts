import { deepEqual, equal, match, ok } from "node:assert/strict";
import { addressOf } from "../../../agent/os/ffi/memory.ts";
import { LinuxTun } from "../../../agent/tun/linux.ts";
import { MemoryTun, PacketList } from "../../../agent/tun/memory.ts";
import { inPrivateNetwork, mayHavePrivateNetwork } from "../os/support/private-network.ts";
import { KernelFarSide } from "./support/far-side.ts";
import { TunRig } from "./support/rig.ts";
import { type Act, ipv4Packet, testTun } from "./support/tun-suite.ts";

const ignore = !mayHavePrivateNetwork;

function withLinuxTun(act: Act): void {
  inPrivateNetwork(() => {
    const rig = new TunRig();
    const tun = openLinux(rig);
    const far = new KernelFarSide(tun.name);
    try {
      act(tun, far, rig);
    } finally {
      far.close();
      tun.close();
    }
  });
}

function openLinux(rig: TunRig): LinuxTun {
  const arenaAddress = addressOf(rig.arena);
  return new LinuxTun({ name: "ztna0", mtuBytes: 1420, batchSize: rig.batchSize, arenaAddress });
}

function withMemoryTun(act: Act): void {
  const rig = new TunRig();
  const [inbound, outbound] = [new PacketList(), new PacketList()];
  const tun = new MemoryTun({ mtuBytes: 1420, batchSize: rig.batchSize, arena: rig.arena, inbound, outbound });
  const collect = () => {
    const room = new Uint8Array(2048);
    const packets: Uint8Array[] = [];
    for (let length = outbound.shift(room); length >= 0; length = outbound.shift(room)) {
      packets.push(room.slice(0, length));
    }
    return packets;
  };
  act(tun, { push: (packet) => inbound.push(packet), collect, close: () => {} }, rig);
}

testTun("memory", false, withMemoryTun);
testTun("Linux", ignore, withLinuxTun);

Deno.test({
  name: "Linux TUN: what is no IP packet is refused and counted, and the rest goes on",
  ignore,
  fn: () =>
    withLinuxTun((tun, far, rig) => {
      const good = ipv4Packet(7, 1, 60, 1);
      ok(rig.write(tun, [new Uint8Array(40), good]));
      equal(tun.refused, 1);
      deepEqual(far.collect(), [good]);
    }),
});

Deno.test({
  name: "Linux TUN: a second one takes the next free name",
  ignore,
  fn: () =>
    withLinuxTun((tun, _far, rig) => {
      const second = openLinux(rig);
      deepEqual([tun.name, second.name], ["ztna0", "ztna1"]);
      second.close();
    }),
});

Deno.test({
  name: "Linux TUN: the interface goes with the object",
  ignore,
  fn: () =>
    inPrivateNetwork(() => {
      const tun = openLinux(new TunRig());
      ok(Deno.networkInterfaces().length >= 0);
      tun.close();
      const again = openLinux(new TunRig());
      equal(again.name, "ztna0");
      again.close();
    }),
});

Deno.test({
  name: "Linux TUN: without the right to make one, one line says so and what to do",
  ignore,
  fn: async () => {
    const script = new URL("./support/open-tun.ts", import.meta.url);
    const { stdout } = await new Deno.Command("setpriv", {
      args: ["--bounding-set=-net_admin", Deno.execPath(), "run", "-A", script.href],
    }).output();
    match(
      new TextDecoder().decode(stdout),
      /^TunUnavailable: Cannot make a TUN interface: no permission\. Run as root .*\n$/,
    );
  },
});
