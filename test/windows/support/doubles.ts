import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { wideText } from "../../../agent/os/ffi/kernel32-windows.ts";
import type { WintunFile } from "../../../agent/tun/windows.ts";
import type { FarSide } from "../../agent/tun/support/tun-suite.ts";

/** Where `tools/wine/setup.ts` built them. */
export const doublesFolder = Deno.env.get("ZTNA_TEST_DOUBLES")!;

const path = `${doublesFolder}\\wintun.dll`;
export const wintunFile: WintunFile = { path, sha256: createHash("sha256").update(readFileSync(path)).digest("hex") };

const double = Deno.dlopen(path, {
  TestInject: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  TestCollect: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  TestStop: { parameters: ["buffer"], result: "void" },
}).symbols;

/** The double's other side of an adapter. */
export class DoubleFarSide implements FarSide {
  readonly #name: Uint8Array<ArrayBuffer>;

  constructor(name: string) {
    this.#name = wideText(name);
  }

  push(packet: Uint8Array): void {
    if (double.TestInject(this.#name, packet as Uint8Array<ArrayBuffer>, packet.length) === 0) {
      throw new Error("the ring is full");
    }
  }

  collect(): Uint8Array[] {
    const room = new Uint8Array(65_536);
    const packets: Uint8Array[] = [];
    for (;;) {
      const length = double.TestCollect(this.#name, room, room.length);
      if (length < 0) return packets;
      packets.push(room.slice(0, length));
    }
  }

  /** As removing the driver ends an adapter. */
  stop(): void {
    double.TestStop(this.#name);
  }

  close(): void {}
}
