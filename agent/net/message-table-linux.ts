import {
  CMSG_DATA,
  CMSG_ROOM,
  IOVEC_BYTES,
  MMSGHDR_BYTES,
  MSG_CONTROL,
  MSG_CONTROLLEN,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOVLEN,
  MSG_NAME,
  MSG_TRUNC,
  SOCKADDR_ROOM,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "./ffi/socket-linux.ts";

/** Where tables may lie: the arena, its address, and an offset (a multiple of 8) with room to the end of its region. */
export interface TableMemory {
  readonly arena: Uint8Array;
  readonly address: bigint;
  readonly offset: number;
}

/** The mmsghdr array of one direction with an iovec, a socket address and room for one control message per message; pointers are written once. */
export class MessageTable {
  /** Address of the first message. */
  readonly address: bigint;
  /** Offset behind the table. */
  readonly end: number;
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
    this.end = this.#controls + slots * CMSG_ROOM;
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

  /** Has the kernel cut the message into datagrams of `bytes`; 0 sends it as the one it is. */
  setSegment(slot: number, bytes: number): void {
    const at = this.#controls + slot * CMSG_ROOM;
    this.setU32(slot, MSG_CONTROLLEN, bytes === 0 ? 0 : CMSG_ROOM);
    if (bytes === 0) return;
    this.#view.setBigUint64(at, BigInt(CMSG_DATA + 2), true);
    this.#view.setUint32(at + 8, SOL_UDP, true);
    this.#view.setUint32(at + 12, UDP_SEGMENT, true);
    this.#view.setUint16(at + CMSG_DATA, bytes, true);
  }

  /** Makes room for what the kernel says of a message; it takes the room back each time. */
  expectSegment(slot: number): void {
    this.setU32(slot, MSG_CONTROLLEN, CMSG_ROOM);
  }

  /** The size of the datagrams the kernel joined in a received message, 0 when it is a single one. */
  segmentOf(slot: number): number {
    if (this.getU32(slot, MSG_CONTROLLEN) < CMSG_DATA + 4) return 0;
    const at = this.#controls + slot * CMSG_ROOM;
    const joined = this.#view.getUint32(at + 8, true) === SOL_UDP && this.#view.getUint32(at + 12, true) === UDP_GRO;
    return joined ? this.#view.getInt32(at + CMSG_DATA, true) : 0;
  }

  #link(slot: number): void {
    const header = this.#headers + slot * MMSGHDR_BYTES;
    this.#view.setBigUint64(header + MSG_NAME, this.#base + BigInt(this.nameOffset(slot)), true);
    this.#view.setBigUint64(header + MSG_IOV, this.#base + BigInt(this.#vectors + slot * IOVEC_BYTES), true);
    this.#view.setBigUint64(header + MSG_IOVLEN, 1n, true);
    this.#view.setBigUint64(header + MSG_CONTROL, this.#base + BigInt(this.#controls + slot * CMSG_ROOM), true);
  }
}
