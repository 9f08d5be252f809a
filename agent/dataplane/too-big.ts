import type { DataArena } from "./arena.ts";
import { sumPseudoHeader } from "./offload/checksum.ts";

const ICMP = 1;
const ICMPV6 = 58;
const ICMP_HEADER_BYTES = 8;
const DESTINATION_UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;
const PACKET_TOO_BIG = 2;
const HOPS = 64;
/** Longest answers: RFC 1812, 4.3.2.3, and RFC 4443, 2.4. */
const MOST_IPV4_BYTES = 576;
const MOST_IPV6_BYTES = 1280;
const PER_S = 20;
const BURST = 20;

/**
 * The answer to packets that are longer than the tunnel carries and may not be cut: "fragmentation needed" (RFC 792 with
 * the size of RFC 1191) or "packet too big" (RFC 4443, 3.2). The kernel sends it as long as the interface has our MTU.
 */
export class TooBig {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: DataArena["sum"];
  #tokens = BURST;
  #filledAt = -Infinity;

  constructor({ bytes, view, sum }: Pick<DataArena, "bytes" | "view" | "sum">) {
    this.#bytes = bytes;
    this.#view = view;
    this.#sum = sum;
  }

  /** True for IPv6, and for IPv4 with DF. */
  mayNotBeCut(packet: number): boolean {
    return !this.#isIpv4(packet) || (this.#bytes[packet + 6]! & 0x40) !== 0;
  }

  /** Writes the answer to a packet over it, and returns its length; 0 when there must be none. */
  answer(packet: number, length: number, mtuBytes: number, now: number): number {
    const isIpv4 = this.#isIpv4(packet);
    const answerable = isIpv4 ? this.#mayAnswer4(packet, length) : this.#mayAnswer6(packet, length);
    if (!answerable || !this.#takeToken(now)) return 0;
    return isIpv4 ? this.#answer4(packet, length, mtuBytes) : this.#answer6(packet, length, mtuBytes);
  }

  /** RFC 1122, 3.2.2: no answer to errors, to later fragments, nor about packets to or from many. */
  #mayAnswer4(packet: number, length: number): boolean {
    const bytes = this.#bytes;
    const isOne = (address: number) => bytes[address]! > 0 && bytes[address]! < 224;
    if (!isOne(packet + 12) || !isOne(packet + 16) || (this.#view.getUint16(packet + 6) & 0x1fff) !== 0) return false;
    const content = packet + (bytes[packet]! & 15) * 4;
    if (bytes[packet + 9] !== ICMP) return true;
    // Echo and its reply, timestamps: the rest are errors.
    return content < packet + length && [0, 8, 13, 14].includes(bytes[content]!);
  }

  /** RFC 4443, 2.4 (e). */
  #mayAnswer6(packet: number, length: number): boolean {
    const bytes = this.#bytes;
    const isUnspecified = bytes.subarray(packet + 8, packet + 24).every((byte) => byte === 0);
    if (isUnspecified || bytes[packet + 8] === 0xff || bytes[packet + 24] === 0xff) return false;
    return bytes[packet + 6] !== ICMPV6 || (length > 40 && bytes[packet + 40]! >= 128);
  }

  #answer4(packet: number, length: number, mtuBytes: number): number {
    const view = this.#view;
    const header = 20;
    const quote = Math.min(length, MOST_IPV4_BYTES - header - ICMP_HEADER_BYTES);
    const quoteAt = this.#moveBack(packet, quote, header);
    const total = header + ICMP_HEADER_BYTES + quote;
    view.setUint16(packet, 0x4500);
    view.setUint16(packet + 2, total);
    view.setUint32(packet + 4, 0);
    view.setUint16(packet + 8, (HOPS << 8) | ICMP);
    view.setUint16(packet + 10, 0);
    // It comes from where the packet was to go.
    this.#bytes.copyWithin(packet + 12, quoteAt + 16, quoteAt + 20);
    this.#bytes.copyWithin(packet + 16, quoteAt + 12, quoteAt + 16);
    view.setUint16(packet + 10, ~this.#sum(packet, header, 0));
    const icmp = packet + header;
    view.setUint32(icmp, ((DESTINATION_UNREACHABLE << 8) | FRAGMENTATION_NEEDED) << 16);
    view.setUint32(icmp + 4, mtuBytes);
    view.setUint16(icmp + 2, ~this.#sum(icmp, total - header, 0));
    return total;
  }

  #answer6(packet: number, length: number, mtuBytes: number): number {
    const view = this.#view;
    const header = 40;
    const quote = Math.min(length, MOST_IPV6_BYTES - header - ICMP_HEADER_BYTES);
    const quoteAt = this.#moveBack(packet, quote, header);
    const content = ICMP_HEADER_BYTES + quote;
    view.setUint32(packet, 0x60000000);
    view.setUint16(packet + 4, content);
    view.setUint16(packet + 6, (ICMPV6 << 8) | HOPS);
    this.#bytes.copyWithin(packet + 8, quoteAt + 24, quoteAt + 40);
    this.#bytes.copyWithin(packet + 24, quoteAt + 8, quoteAt + 24);
    const icmp = packet + header;
    view.setUint32(icmp, PACKET_TOO_BIG << 24);
    view.setUint32(icmp + 4, mtuBytes);
    const pseudo = sumPseudoHeader(this.#sum, packet, 6, ICMPV6, content);
    view.setUint16(icmp + 2, ~this.#sum(icmp, content, pseudo));
    return header + content;
  }

  /** Makes room for the answer's headers before what it quotes; says where that is then. */
  #moveBack(packet: number, quote: number, header: number): number {
    const to = packet + header + ICMP_HEADER_BYTES;
    this.#bytes.copyWithin(to, packet, packet + quote);
    return to;
  }

  #takeToken(now: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + (Math.max(0, now - this.#filledAt) * PER_S) / 1000);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #isIpv4(packet: number): boolean {
    return this.#bytes[packet]! >>> 4 === 4;
  }
}
