import { deepEqual, throws } from "node:assert/strict";
import { loadIpHelper } from "../../agent/os/ffi/iphlpapi-windows.ts";
import { NetworkRefused } from "../../agent/os/network.ts";
import { WindowsNetwork } from "../../agent/os/network-windows.ts";
import { doublesFolder } from "./support/doubles.ts";

const path = `${doublesFolder}\\iphlpapi-double.dll`;
const ipHelper = loadIpHelper(path);
const double = Deno.dlopen(path, {
  TestTakeLog: { parameters: ["buffer", "u32"], result: "u32" },
  TestRefuse: { parameters: ["u32"], result: "void" },
}).symbols;

function said(): string[] {
  const room = new Uint8Array(65_536);
  const length = double.TestTakeLog(room, room.length);
  return new TextDecoder().decode(room.subarray(0, length)).trimEnd().split("\n");
}

const luid = 0x0035_0000_0100_0000n;
const own = { address: Uint8Array.of(100, 64, 0, 1), bits: 32 };
const pool = { address: Uint8Array.of(100, 64, 0, 0), bits: 10 };
const own6 = { address: new Uint8Array([0xfd, 7, ...Array(13).fill(0), 1]), bits: 128 };
const pool6 = { address: new Uint8Array([0xfd, 7, ...Array(14).fill(0)]), bits: 48 };

Deno.test("the interface gets its MTU, addresses and routes of both families, in Windows' own structures", () => {
  const network = new WindowsNetwork({ name: "ztna0", luid, ipHelper });
  network.apply({ mtuBytes: 1280, addresses: [own, own6], routes: [pool, pool6] });
  deepEqual(said(), [
    "interface 35000001000000 family 2: MTU 1280, fixed metric 0",
    "interface 35000001000000 family 23: MTU 1280, fixed metric 0",
    "add address 100.64.0.1/32 on 35000001000000, preferred",
    "add address fd07::1/128 on 35000001000000, preferred",
    "add route 100.64.0.0/10 on 35000001000000, next hop family 2, metric 0",
    "add route fd07::/48 on 35000001000000, next hop family 23, metric 0",
  ]);
  network.apply({ mtuBytes: 1280, addresses: [own], routes: [pool] });
  deepEqual(said().slice(2), [
    "drop route fd07::/48 on 35000001000000",
    "drop address fd07::1/128 on 35000001000000",
  ]);
  network.close();
  deepEqual(said(), ["drop route 100.64.0.0/10 on 35000001000000", "drop address 100.64.0.1/32 on 35000001000000"]);
});

Deno.test("what Windows refuses is said in words", () => {
  double.TestRefuse(87);
  const network = new WindowsNetwork({ name: "ztna0", luid, ipHelper });
  throws(() => network.apply({ mtuBytes: 1280, addresses: [own], routes: [] }), (error) => {
    return error instanceof NetworkRefused &&
      /Cannot set the MTU of ztna0 to 1280: Windows error 87/.test(error.message);
  });
  double.TestRefuse(5010);
  network.apply({ mtuBytes: 1280, addresses: [own], routes: [] });
  double.TestRefuse(0);
});
