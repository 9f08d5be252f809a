import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { addressOf } from "../../agent/os/ffi/memory.ts";
import { TunUnavailable } from "../../agent/tun/device.ts";
import { WindowsTun, type WintunFile } from "../../agent/tun/windows.ts";
import { TunRig } from "../agent/tun/support/rig.ts";
import { type Act, ipv4Packet, testTun } from "../agent/tun/support/tun-suite.ts";
import { DoubleFarSide, doublesFolder, wintunFile } from "./support/doubles.ts";

function openTun(rig: TunRig, library: WintunFile = wintunFile): WindowsTun {
  const arenaAddress = addressOf(rig.arena);
  return new WindowsTun({ name: "ztna0", mtuBytes: 1420, batchSize: rig.batchSize, arenaAddress, library });
}

function withTun(act: (tun: WindowsTun, far: DoubleFarSide, rig: TunRig) => void): void {
  const rig = new TunRig();
  const tun = openTun(rig);
  try {
    act(tun, new DoubleFarSide(tun.name), rig);
  } finally {
    tun.close();
  }
}

testTun("WinTun", false, (act: Act) => withTun(act));

Deno.test("WinTun: a ring that is full refuses, counts, and goes on when there is room", () =>
  withTun((tun, far, rig) => {
    for (let batch = 0; batch < 40; batch++) {
      ok(rig.write(tun, Array.from({ length: 8 }, (_, mark) => ipv4Packet(7, 1, 60, mark))));
    }
    equal(tun.refused, 40 * 8 - 256);
    equal(far.collect().length, 256);
    const packet = ipv4Packet(7, 1, 100, 1);
    ok(rig.write(tun, [packet]));
    deepEqual(far.collect(), [packet]);
  }));

Deno.test("WinTun: an adapter that is taken away is a fault", () =>
  withTun((tun, far, rig) => {
    far.push(ipv4Packet(1, 7, 60, 1));
    far.stop();
    deepEqual(rig.read(tun), []);
    equal(tun.fault, 38);
    equal(rig.write(tun, [ipv4Packet(7, 1, 60, 1)]), false);
  }));

Deno.test("WinTun: a second one takes the next free name, and a LUID of its own", () =>
  withTun((tun, _far, rig) => {
    const second = openTun(rig);
    deepEqual([tun.name, second.name], ["ztna0", "ztna1"]);
    ok(tun.luid !== second.luid && second.luid > 0n);
    second.close();
  }));

Deno.test("WinTun: the interface goes with the object", () => {
  withTun((tun) => equal(tun.name, "ztna0"));
  withTun((tun) => equal(tun.name, "ztna0"));
});

Deno.test("WinTun: another file than the one we know is not loaded", () => {
  const rig = new TunRig();
  const changed = `${doublesFolder}\\changed.dll`;
  writeFileSync(changed, "MZ, but not the driver");
  const cases: [WintunFile, RegExp][] = [
    [{ path: changed, sha256: wintunFile.sha256 }, /is not the wintun\.dll this program came with/],
    [{ path: `${doublesFolder}\\none.dll`, sha256: wintunFile.sha256 }, /none\.dll is missing/],
    [{ path: "wintun.dll", sha256: wintunFile.sha256 }, /must be absolute/],
  ];
  for (const [file, message] of cases) {
    throws(() => openTun(rig, file), (error) => {
      ok(error instanceof TunUnavailable);
      match(error.message, message);
      return true;
    });
  }
});
