import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface Seen {
  readonly wireguard: number;
  /** Frames with a later part of a WireGuard message that a router or the sender cut. */
  readonly pieces: number;
  readonly foreign: readonly string[];
}

/** What tcpdump saw on one interface, from `open` to `close`. */
export class Capture {
  readonly #file: string;
  readonly #process: ChildProcess;

  private constructor(file: string, process: ChildProcess) {
    this.#file = file;
    this.#process = process;
  }

  static async open(space: string, link: string, file: string): Promise<Capture> {
    // A buffer that holds seconds of any test: what is missed cannot be judged.
    const args = ["netns", "exec", space, "tcpdump", "-i", link, "-U", "-B", "32768", "-s", "128", "-w", file];
    const child = spawn("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => said += text);
    while (!said.includes("listening")) {
      if (child.exitCode !== null) throw new Error(`tcpdump does not listen: ${said}`);
      await delay(10);
    }
    return new Capture(file, child);
  }

  /** Ends it and describes every frame that is neither WireGuard's nor the search for a neighbour's address. */
  async close(): Promise<Seen> {
    // The kernel hands over what it holds within this time.
    await delay(200);
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGINT");
    await ended;
    const cut = new Set<string>();
    const kinds = framesOf(readFileSync(this.#file)).map((frame) => kindOf(frame, cut));
    const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length;
    return {
      wireguard: count(WIREGUARD),
      pieces: count(PIECE),
      foreign: kinds.filter((kind) => ![WIREGUARD, PIECE, NEIGHBOUR].includes(kind)),
    };
  }
}

const WIREGUARD = "WireGuard";
const PIECE = "piece of a WireGuard message";
const NEIGHBOUR = "neighbour discovery";
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const [ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6] = [0x0800, 0x0806, 0x86dd];
const [UDP, ICMPV6, HOP_BY_HOP] = [17, 58, 0];
/** Whole lengths of WireGuard's messages of type 1 to 3; those of type 4 have at least 32 bytes. */
const MESSAGE_BYTES: Readonly<Record<number, number>> = { 1: 148, 2: 92, 3: 64 };

/** pcap (libpcap's savefile format), written by a machine of our byte order. */
function framesOf(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= file.length;) {
    const kept = file.readUInt32LE(at + 8);
    at += RECORD_HEADER_BYTES;
    frames.push(file.subarray(at, at + kept));
    at += kept;
  }
  return frames;
}

/** `cut` keeps in mind which IPv4 datagrams began as WireGuard's and have more pieces. */
function kindOf(frame: Buffer, cut: Set<string>): string {
  const ip = frame.subarray(ETHERNET_BYTES);
  switch (frame.readUInt16BE(12)) {
    case ETHERTYPE_ARP:
      return NEIGHBOUR;
    case ETHERTYPE_IPV4:
      return kindOfIpv4(ip, cut);
    case ETHERTYPE_IPV6:
      if (ip[6] === UDP) return kindOfUdp(ip.subarray(40));
      // Multicast listener reports have a hop-by-hop header; 133 to 137 are RFC 4861's.
      if (ip[6] === HOP_BY_HOP || (ip[6] === ICMPV6 && ip[40]! >= 133 && ip[40]! <= 137)) return NEIGHBOUR;
      return `IPv6 next header ${ip[6]}, type ${ip[40]}`;
    default:
      return `Ethertype ${frame.readUInt16BE(12).toString(16)}`;
  }
}

function kindOfIpv4(ip: Buffer, cut: Set<string>): string {
  const datagram = [ip.readUInt16BE(4), ...ip.subarray(12, 20)].join();
  const isLater = (ip.readUInt16BE(6) & 0x1fff) !== 0;
  if (ip[9] !== UDP) return `IPv4 protocol ${ip[9]}`;
  if (isLater) return cut.has(datagram) ? PIECE : "a fragment of UDP";
  const kind = kindOfUdp(ip.subarray((ip[0]! & 15) * 4));
  const hasMore = (ip.readUInt16BE(6) & 0x2000) !== 0;
  if (kind === WIREGUARD && hasMore) cut.add(datagram);
  return kind;
}

/** Runs of transport messages leave as one frame where the link cuts them: the first message tells what they are. */
function kindOfUdp(udp: Buffer): string {
  const length = udp.readUInt16BE(4) - 8;
  const [type, ...reserved] = udp.subarray(8, 12);
  const sized = type === 4 ? length >= 32 : length === MESSAGE_BYTES[type!];
  if (sized && reserved.every((byte) => byte === 0)) return WIREGUARD;
  return `UDP of ${length} bytes from port ${udp.readUInt16BE(0)} to ${udp.readUInt16BE(2)}`;
}
