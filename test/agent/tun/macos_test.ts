import { deepEqual, equal } from "node:assert/strict";
import { controlIdOf, ctlInfo, familyOf, sockaddrCtl, unitOf } from "../../../agent/tun/ffi/utun-macos.ts";

Deno.test("utun: the control is asked for by its name", () => {
  const info = ctlInfo();
  equal(info.length, 100);
  equal(new TextDecoder().decode(info.subarray(4, 30)), "com.apple.net.utun_control");
  info.set([7, 1, 0, 0]);
  equal(controlIdOf(info), 263);
});

Deno.test("utun: the address names control and unit", () => {
  deepEqual([...sockaddrCtl(263, 5).subarray(0, 12)], [32, 32, 2, 0, 7, 1, 0, 0, 5, 0, 0, 0]);
  equal(sockaddrCtl(1, 0).length, 32);
});

Deno.test("utun: a number that is asked for is one more as a unit, and other names take any", () => {
  deepEqual(["utun0", "utun7", "ztna0", "utun", "utunx1"].map(unitOf), [1, 8, 0, 0, 0]);
});

Deno.test("utun: packets are told by their family, and what is none has none", () => {
  deepEqual([0x45, 0x4f, 0x60, 0x00, 0x25, 0xff].map(familyOf), [2, 2, 30, undefined, undefined, undefined]);
});
