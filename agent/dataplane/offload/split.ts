import type { DataArena } from "../arena.ts";
import { type Sum, sumPseudoHeader } from "./checksum.ts";
import {
  GSO_ECN,
  GSO_NONE,
  GSO_TCP4,
  GSO_TCP6,
  GSO_UDP,
  NEEDS_CHECKSUM,
  VNET_HEADER_BYTES,
  VnetHeader,
} from "./vnet-header.ts";

const TCP = 6;
const UDP = 17;
const UDP_HEADER_BYTES = 8;
/** Where a UDP header has its checksum; an all-zero one would mean that there is none (RFC 768). */
const UDP_CHECKSUM = 6;
const NO_ZERO = 0xffff;
/** Bits of a TCP header's byte 13. */
const FIN_PSH = 0x09;
const CWR = 0x80;
const MIN_TCP_HEADER_BYTES = 20;
/** IPv4 or TCP headers are at most 60 bytes long each. */
const MOST_HEADER_BYTES = 120;

/**
 * What a TUN with IFF_VNET_HDR read: one IP packet, or a TCP or UDP packet of up to 64 KiB that stands for many of one
 * size. `read` looks at it, `takeSegment` makes the packets that go out, where they lie: each gets its headers written
 * before its payload, over the end of the one before it. Copies would cost as much as a third of the sealing.
 */
export class SuperPacket {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: Sum;
  /** Where the IP packet starts, and how long it is. */
  offset = 0;
  length = 0;
  /** Packets it stands for; 1 when it is one already. */
  segments = 0;
  #version: 4 | 6 = 4;
  #protocol: typeof TCP | typeof UDP = TCP;
  #ipBytes = 0;
  #headerBytes = 0;
  #segmentBytes = 0;
  /** The headers as they came. */
  readonly #template = new Uint8Array(MOST_HEADER_BYTES);

  constructor({ bytes, view, sum }: Pick<DataArena, "bytes" | "view" | "sum">) {
    this.#bytes = bytes;
    this.#view = view;
    this.#sum = sum;
  }

  /** Reads a header of the kernel and the packet behind it; false when they contradict each other. */
  read(offset: number, length: number): boolean {
    if (length <= VNET_HEADER_BYTES) return false;
    const view = this.#view;
    this.offset = offset + VNET_HEADER_BYTES;
    this.length = length - VNET_HEADER_BYTES;
    const type = view.getUint8(offset + VnetHeader.gsoType) & ~GSO_ECN;
    if (type === GSO_NONE) {
      this.segments = 1;
      const unfinished = (view.getUint8(offset + VnetHeader.flags) & NEEDS_CHECKSUM) !== 0;
      return !unfinished || this.#finishChecksum(offset);
    }
    return this.#readSuperPacket(type, view.getUint16(offset + VnetHeader.gsoSize, true));
  }

  /** Makes packet `index` and says where it lies; `segmentBytes` says how long it is. To be taken in order, once each. */
  takeSegment(index: number): number {
    if (this.segments === 1) return this.offset;
    const header = this.#headerBytes;
    const at = this.offset + index * this.#segmentBytes;
    if (index === 0) this.#template.set(this.#bytes.subarray(at, at + header));
    else for (let byte = 0; byte < header; byte++) this.#bytes[at + byte] = this.#template[byte]!;
    const length = this.segmentBytes(index);
    this.#patchIp(at, index, length);
    this.#patchTransport(at, index, length - header);
    return at;
  }

  segmentBytes(index: number): number {
    if (index < this.segments - 1) return this.#headerBytes + this.#segmentBytes;
    return this.length - index * this.#segmentBytes;
  }

  #readSuperPacket(type: number, segmentBytes: number): boolean {
    if (!this.#readIp(type)) return false;
    const transportBytes = this.#transportBytes();
    this.#headerBytes = this.#ipBytes + transportBytes;
    this.#segmentBytes = segmentBytes;
    if (transportBytes === 0 || segmentBytes === 0 || this.length <= this.#headerBytes) return false;
    this.segments = Math.ceil((this.length - this.#headerBytes) / segmentBytes);
    // One that is a segment already still lacks its checksum.
    if (this.segments === 1) this.#patchTransport(this.offset, 0, this.length - this.#headerBytes);
    return true;
  }

  #readIp(type: number): boolean {
    const view = this.#view;
    const version = view.getUint8(this.offset) >>> 4;
    this.#protocol = type === GSO_UDP ? UDP : TCP;
    if (version === 4 && (type === GSO_TCP4 || type === GSO_UDP)) {
      this.#version = version;
      this.#ipBytes = (view.getUint8(this.offset) & 0x0f) * 4;
      return this.length >= 20 && this.#ipBytes >= 20 && view.getUint8(this.offset + 9) === this.#protocol;
    }
    if (version !== 6 || (type !== GSO_TCP6 && type !== GSO_UDP)) return false;
    this.#version = version;
    this.#ipBytes = 40;
    return this.length >= 40 && view.getUint8(this.offset + 6) === this.#protocol;
  }

  /** Length of the transport's header, 0 when it is none. */
  #transportBytes(): number {
    if (this.#protocol === UDP) return UDP_HEADER_BYTES;
    if (this.length < this.#ipBytes + MIN_TCP_HEADER_BYTES) return 0;
    const bytes = (this.#view.getUint8(this.offset + this.#ipBytes + 12) >>> 4) * 4;
    return bytes < MIN_TCP_HEADER_BYTES ? 0 : bytes;
  }

  #finishChecksum(header: number): boolean {
    const view = this.#view;
    const start = view.getUint16(header + VnetHeader.checksumStart, true);
    const checksumOffset = view.getUint16(header + VnetHeader.checksumOffset, true);
    const field = start + checksumOffset;
    if (start >= this.length || field + 2 > this.length) return false;
    const sum = this.#sum(this.offset + start, this.length - start, 0);
    const checksum = ~sum & 0xffff;
    view.setUint16(this.offset + field, checksumOffset === UDP_CHECKSUM ? checksum || NO_ZERO : checksum);
    return true;
  }

  #patchIp(at: number, index: number, length: number): void {
    const view = this.#view;
    if (this.#version === 6) return view.setUint16(at + 4, length - 40);
    view.setUint16(at + 2, length);
    view.setUint16(at + 4, view.getUint16(at + 4) + index);
    view.setUint16(at + 10, 0);
    view.setUint16(at + 10, ~this.#sum(at, this.#ipBytes, 0));
  }

  #patchTransport(packet: number, index: number, payload: number): void {
    if (this.#protocol === UDP) this.#patchUdp(packet, payload);
    else this.#patchTcp(packet, index, payload);
  }

  #patchUdp(packet: number, payload: number): void {
    const view = this.#view;
    const at = packet + this.#ipBytes;
    const length = UDP_HEADER_BYTES + payload;
    view.setUint16(at + 4, length);
    view.setUint16(at + UDP_CHECKSUM, 0);
    const pseudo = sumPseudoHeader(this.#sum, packet, this.#version, UDP, length);
    view.setUint16(at + UDP_CHECKSUM, (~this.#sum(at, length, pseudo) & 0xffff) || NO_ZERO);
  }

  #patchTcp(packet: number, index: number, payload: number): void {
    const view = this.#view;
    const at = packet + this.#ipBytes;
    view.setUint32(at + 4, view.getUint32(at + 4) + index * this.#segmentBytes);
    let flags = view.getUint8(at + 13);
    if (index > 0) flags &= ~CWR;
    if (index < this.segments - 1) flags &= ~FIN_PSH;
    view.setUint8(at + 13, flags);
    const length = this.#headerBytes - this.#ipBytes + payload;
    view.setUint16(at + 16, 0);
    const pseudo = sumPseudoHeader(this.#sum, packet, this.#version, TCP, length);
    view.setUint16(at + 16, ~this.#sum(at, length, pseudo));
  }
}
