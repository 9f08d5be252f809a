import {
  CMSG_DATA,
  CMSG_ROOM,
  CMSGS_ROOM,
  IOVEC_BYTES,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TCLASS,
  MMSGHDR_BYTES,
  MSG_CONTROL,
  MSG_CONTROLLEN,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOVLEN,
  MSG_NAME,
  MSG_TRUNC,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "./ffi/socket-linux.ts";
import { SOCKADDR_ROOM } from "./sockaddr.ts";
import type { TableMemory } from "./udp.ts";

/** The mmsghdr array of one direction with an iovec, a socket address and room for control messages per message; pointers are written once. */
export class MessageTable {
  /** Address of the first message. */
  readonly address: bigint;
  /** Offset behind the table. */
  readonly end: number;
  /** Of the message `readControl` was last asked for: size of the datagrams the kernel joined (0 for one), and ECN bits. */
  segmentBytes = 0;
  ecn = 0;
  readonly #view: DataView;
  readonly #base: bigint;
  readonly #headers: number;
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;

  constructor(memory: TableMemory, slots: number) {
    this.#view = new DataView(memory.arena.buffer, memory.arena.byteOffset, memory.arena.byteLength);
    this.#base = memory.address;
    this.#headers = memory.offset;
    this.#vectors = this.#headers + slots * MMSGHDR_BYTES;
    this.#names = this.#vectors + slots * IOVEC_BYTES;
    this.#controls = this.#names + slots * SOCKADDR_ROOM;
    this.end = this.#controls + slots * CMSGS_ROOM;
    this.address = this.#base + BigInt(this.#headers);
    for (let slot = 0; slot < slots; slot++) this.#link(slot);
  }

  addressOfMessage(slot: number): bigint {
    return BigInt.asUintN(64, this.#base + BigInt(this.#headers + slot * MMSGHDR_BYTES));
  }

  setBuffer(slot: number, offset: number, length: number): void {
    const vector = this.#vectors + slot * IOVEC_BYTES;
    this.#view.setBigUint64(vector, BigInt.asUintN(64, this.#base + BigInt(offset)), true);
    this.#view.setUint32(vector + 8, length, true);
  }

  nameOffset(slot: number): number {
    return this.#names + slot * SOCKADDR_ROOM;
  }

  setU32(slot: number, field: number, value: number): void {
    this.#view.setUint32(this.#headers + slot * MMSGHDR_BYTES + field, value, true);
  }

  getU32(slot: number, field: number): number {
    return this.#view.getUint32(this.#headers + slot * MMSGHDR_BYTES + field, true);
  }

  truncated(slot: number): boolean {
    return (this.getU32(slot, MSG_FLAGS) & MSG_TRUNC) !== 0;
  }

  /**
   * What goes with a message that is sent: the kernel cuts it into datagrams of `segmentBytes` (0: it is one), and puts
   * `ecn` on them.
   */
  setControl(slot: number, segmentBytes: number, ecn: number, isIpv4: boolean): void {
    const at = this.#controls + slot * CMSGS_ROOM;
    let length = 0;
    if (segmentBytes !== 0) {
      this.#setCmsg(at, SOL_UDP, UDP_SEGMENT, 2);
      this.#view.setUint16(at + CMSG_DATA, segmentBytes, true);
      length += CMSG_ROOM;
    }
    if (ecn !== 0) {
      if (isIpv4) this.#setCmsg(at + length, IPPROTO_IP, IP_TOS, 4);
      else this.#setCmsg(at + length, IPPROTO_IPV6, IPV6_TCLASS, 4);
      this.#view.setInt32(at + length + CMSG_DATA, ecn, true);
      length += CMSG_ROOM;
    }
    this.setU32(slot, MSG_CONTROLLEN, length);
  }

  /** Makes room for what the kernel says of a message. */
  expectControl(slot: number): void {
    this.setU32(slot, MSG_CONTROLLEN, CMSGS_ROOM);
  }

  /** Reads what the kernel said of a received message into `segmentBytes` and `ecn`. */
  readControl(slot: number): void {
    const view = this.#view;
    this.segmentBytes = this.ecn = 0;
    const start = this.#controls + slot * CMSGS_ROOM;
    const end = start + this.getU32(slot, MSG_CONTROLLEN);
    for (let at = start; at + CMSG_DATA < end; at += CMSG_ROOM) {
      const level = view.getUint32(at + 8, true);
      const type = view.getUint32(at + 12, true);
      if (level === SOL_UDP && type === UDP_GRO) this.segmentBytes = view.getInt32(at + CMSG_DATA, true);
      // One byte for IPv4, an int for IPv6; little endian, so that the first byte is the one.
      else if (level === IPPROTO_IP && type === IP_TOS) this.ecn = view.getUint8(at + CMSG_DATA) & 3;
      else if (level === IPPROTO_IPV6 && type === IPV6_TCLASS) this.ecn = view.getUint8(at + CMSG_DATA) & 3;
    }
  }

  #setCmsg(at: number, level: number, type: number, dataBytes: number): void {
    this.#view.setBigUint64(at, BigInt(CMSG_DATA + dataBytes), true);
    this.#view.setUint32(at + 8, level, true);
    this.#view.setUint32(at + 12, type, true);
  }

  #link(slot: number): void {
    const header = this.#headers + slot * MMSGHDR_BYTES;
    this.#view.setBigUint64(header + MSG_NAME, this.#base + BigInt(this.nameOffset(slot)), true);
    this.#view.setBigUint64(header + MSG_IOV, this.#base + BigInt(this.#vectors + slot * IOVEC_BYTES), true);
    this.#view.setBigUint64(header + MSG_IOVLEN, 1n, true);
    this.#view.setBigUint64(header + MSG_CONTROL, this.#base + BigInt(this.#controls + slot * CMSGS_ROOM), true);
  }
}
