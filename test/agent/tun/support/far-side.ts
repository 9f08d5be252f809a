import type { FarSide } from "./tun-suite.ts";
import { LinuxNetwork } from "../../../../agent/os/network-linux.ts";
import { errno, libc } from "../../../../agent/os/ffi/libc-linux.ts";

/** The kernel as far side: packets go in through a raw socket and are seen coming out by a packet socket. */
export class KernelFarSide implements FarSide {
  readonly #network: LinuxNetwork;
  readonly #raw: number;
  readonly #tap: number;

  constructor(interfaceName: string) {
    // Or the kernel sends packets of its own, whenever it pleases.
    Deno.writeTextFileSync(`/proc/sys/net/ipv6/conf/${interfaceName}/disable_ipv6`, "1");
    this.#network = new LinuxNetwork(interfaceName);
    this.#network.apply({
      mtuBytes: 1420,
      addresses: [{ address: Uint8Array.of(100, 64, 0, 1), bits: 32 }],
      routes: [{ address: Uint8Array.of(100, 64, 0, 0), bits: 10 }],
    });
    this.#raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    this.#tap = socket(AF_PACKET, SOCK_DGRAM_NONBLOCK, ETH_P_IP_BIG_ENDIAN);
  }

  push(packet: Uint8Array): void {
    const target = Uint8Array.of(AF_INET, 0, 0, 0, ...packet.subarray(16, 20), ...new Uint8Array(8));
    const sent = libraryOf.sendto(this.#raw, packet, BigInt(packet.length), 0, target, target.length);
    if (sent < 0) throw new Error(`sendto: error ${errno()}`);
  }

  collect(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    const packet = new Uint8Array(2048);
    for (;;) {
      const length = libc.recv(this.#tap, packet, BigInt(packet.length), 0);
      if (length < 0) return packets;
      // Own packets on their way into the tunnel pass here as well.
      if (packet[15] !== 1) packets.push(packet.slice(0, length));
    }
  }

  close(): void {
    libc.close(this.#raw);
    libc.close(this.#tap);
    this.#network.close();
  }
}

const AF_INET = 2;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_DGRAM_NONBLOCK = 2 | 0x800;
const IPPROTO_RAW = 255;
const ETH_P_IP_BIG_ENDIAN = 0x0008;

const libraryOf = Deno.dlopen("libc.so.6", {
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
}).symbols;

function socket(family: number, type: number, protocol: number): number {
  const fd = libc.socket(family, type, protocol);
  if (fd < 0) throw new Error(`socket: error ${errno()}`);
  return fd;
}
