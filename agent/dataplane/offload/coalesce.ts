import type { DataArena } from "../arena.ts";
import type { Outbox } from "../outbox.ts";
import { type Sum, sumPseudoHeader } from "./checksum.ts";
import { GSO_TCP4, GSO_TCP6, NEEDS_CHECKSUM, VNET_HEADER_BYTES, VnetHeader } from "./vnet-header.ts";

const TCP = 6;
const ACK = 0x10;
const PSH = 0x08;
const MOST_BYTES = 65_535;
/** Pieces of one write. */
const MOST_PIECES = 128;

/**
 * Joins neighbours among the outbox's packets that are one TCP stream into super-packets, and puts the kernel's header
 * before every packet (where the transport header was). Payloads stay where they lie: a joined packet becomes a piece of
 * the write before it. Only packets whose checksums are right are joined, so that a wrong one arrives as it came.
 */
export class Coalescer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: Sum;
  /** The packet that later ones may join, by its place; 0 for none. */
  #head = 0;
  #ipBytes = 0;
  #headerBytes = 0;
  #segmentBytes = 0;
  #length = 0;
  #pieces = 0;
  #nextSequence = 0;

  constructor({ bytes, view, sum }: Pick<DataArena, "bytes" | "view" | "sum">) {
    this.#bytes = bytes;
    this.#view = view;
    this.#sum = sum;
  }

  /** Returns how many packets became part of another; none when they may not be joined. */
  coalesce(out: Outbox, mayJoin = true): number {
    const { packetOffsets, packetLengths, packetJoined } = out;
    let joined = 0;
    for (let at = 0; at < out.packetCount; at++) {
      const offset = packetOffsets[at]!;
      const length = packetLengths[at]!;
      const header = mayJoin ? this.#joinableHeader(offset, length) : 0;
      if (header !== 0 && this.#continues(offset, length, header)) {
        packetJoined[at] = 1;
        joined++;
        packetOffsets[at] = offset + header;
        packetLengths[at] = length - header;
        this.#join(offset, length - header);
        continue;
      }
      this.#finish();
      packetJoined[at] = 0;
      this.#bytes.fill(0, offset - VNET_HEADER_BYTES, offset);
      if (header !== 0 && (this.#view.getUint8(offset + this.#ipBytesOf(offset) + 13) & PSH) === 0) {
        this.#start(offset, length, header);
      }
    }
    this.#finish();
    return joined;
  }

  /** The length of both headers when the packet may be part of a super-packet at all, else 0. */
  #joinableHeader(offset: number, length: number): number {
    const view = this.#view;
    const version = view.getUint8(offset) >>> 4;
    const ip = this.#ipBytesOf(offset);
    if (length < ip + 20) return 0;
    if (version === 4) {
      const plain = view.getUint8(offset) === 0x45 && (view.getUint16(offset + 6) & 0x3fff) === 0;
      if (!plain || view.getUint8(offset + 9) !== TCP || this.#sum(offset, 20, 0) !== 0xffff) return 0;
    } else if (view.getUint8(offset + 6) !== TCP) {
      return 0;
    }
    const tcp = offset + ip;
    const tcpBytes = (view.getUint8(tcp + 12) >>> 4) * 4;
    if (tcpBytes < 20 || ip + tcpBytes >= length) return 0;
    if ((view.getUint8(tcp + 13) & ~PSH) !== ACK) return 0;
    const pseudo = sumPseudoHeader(this.#sum, offset, version === 4 ? 4 : 6, TCP, length - ip);
    return this.#sum(tcp, length - ip, pseudo) === 0xffff ? ip + tcpBytes : 0;
  }

  #continues(offset: number, length: number, header: number): boolean {
    if (this.#head === 0 || header !== this.#headerBytes || this.#ipBytesOf(offset) !== this.#ipBytes) return false;
    const payload = length - header;
    if (payload > this.#segmentBytes || this.#length + payload > MOST_BYTES || this.#pieces >= MOST_PIECES) {
      return false;
    }
    if (this.#view.getUint32(offset + this.#ipBytes + 4) !== this.#nextSequence) return false;
    return this.#isSameFlow(offset);
  }

  /** Everything but lengths, identification, sequence number, PSH and checksums is the same. */
  #isSameFlow(offset: number): boolean {
    const head = this.#head;
    const tcp = this.#ipBytes;
    const ip = this.#ipBytes === 20
      ? this.#same(offset, head, 0, 2) && this.#same(offset, head, 6, 10) && this.#same(offset, head, 12, 20)
      : this.#same(offset, head, 0, 4) && this.#same(offset, head, 6, 40);
    return ip && this.#same(offset, head, tcp, tcp + 4) && this.#same(offset, head, tcp + 8, tcp + 13) &&
      this.#same(offset, head, tcp + 14, tcp + 16) && this.#same(offset, head, tcp + 18, this.#headerBytes);
  }

  #same(a: number, b: number, from: number, to: number): boolean {
    const bytes = this.#bytes;
    for (let at = from; at < to; at++) if (bytes[a + at] !== bytes[b + at]) return false;
    return true;
  }

  #start(offset: number, length: number, header: number): void {
    this.#head = offset;
    this.#ipBytes = this.#ipBytesOf(offset);
    this.#headerBytes = header;
    this.#segmentBytes = length - header;
    this.#length = length;
    this.#pieces = 1;
    this.#nextSequence = (this.#view.getUint32(offset + this.#ipBytes + 4) + length - header) >>> 0;
  }

  #join(offset: number, payload: number): void {
    this.#length += payload;
    this.#pieces++;
    this.#nextSequence = (this.#nextSequence + payload) >>> 0;
    const pushed = this.#view.getUint8(offset + this.#ipBytes + 13) & PSH;
    const flags = this.#head + this.#ipBytes + 13;
    this.#view.setUint8(flags, this.#view.getUint8(flags) | pushed);
    // A shorter piece, or one the sender pushed, is the last.
    if (pushed !== 0 || payload < this.#segmentBytes) this.#finish();
  }

  /** Makes the headers of the joined packet those of the whole. */
  #finish(): void {
    const head = this.#head;
    this.#head = 0;
    if (head === 0 || this.#pieces === 1) return;
    const view = this.#view;
    const version = this.#ipBytes === 20 ? 4 : 6;
    if (version === 4) {
      view.setUint16(head + 2, this.#length);
      view.setUint16(head + 10, 0);
      view.setUint16(head + 10, ~this.#sum(head, 20, 0));
    } else {
      view.setUint16(head + 4, this.#length - 40);
    }
    const pseudo = sumPseudoHeader(this.#sum, head, version, TCP, this.#length - this.#ipBytes);
    view.setUint16(head + this.#ipBytes + 16, pseudo);
    const vnet = head - VNET_HEADER_BYTES;
    view.setUint8(vnet + VnetHeader.flags, NEEDS_CHECKSUM);
    view.setUint8(vnet + VnetHeader.gsoType, version === 4 ? GSO_TCP4 : GSO_TCP6);
    view.setUint16(vnet + VnetHeader.headerBytes, this.#headerBytes, true);
    view.setUint16(vnet + VnetHeader.gsoSize, this.#segmentBytes, true);
    view.setUint16(vnet + VnetHeader.checksumStart, this.#ipBytes, true);
    view.setUint16(vnet + VnetHeader.checksumOffset, 16, true);
  }

  #ipBytesOf(offset: number): number {
    return this.#view.getUint8(offset) >>> 4 === 4 ? 20 : 40;
  }
}
