import { LinuxNetwork } from "../../../../agent/os/network-linux.ts";
import { errno, libc } from "../../../../agent/os/ffi/libc-linux.ts";

/** What is on the other side of a TUN: it sends packets into the tunnel and gets what comes out. */
export interface FarSide {
  push(packet: Uint8Array): void;
  collect(): Uint8Array[];
  close(): void;
}

/** The kernel as far side: packets go in through a raw socket and are seen coming out by a packet socket. */
export class KernelFarSide implements FarSide {
  readonly #network: LinuxNetwork;
  readonly #raw: number;
  readonly #tap: number;

  constructor(interfaceName: string) {
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

/** An IPv4 packet of an unassigned protocol with a right checksum. Host 1 is this side's kernel. */
export function ipv4Packet(fromHost: number, toHost: number, length: number, mark: number): Uint8Array {
  const packet = new Uint8Array(length).fill(mark, 20);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0]);
  view.setUint16(2, length);
  view.setUint16(4, 1 + mark);
  packet.set([64, 253], 8);
  packet.set([100, 64, 0, fromHost, 100, 64, 0, toHost], 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return packet;
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
