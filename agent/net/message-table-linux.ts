import {
  IOVEC_BYTES,
  MMSGHDR_BYTES,
  MSG_FLAGS,
  MSG_IOV,
  MSG_IOVLEN,
  MSG_NAME,
  MSG_TRUNC,
  SOCKADDR_ROOM,
} from "./ffi/socket-linux.ts";

/** Where tables may lie: the arena, its address, and an offset (a multiple of 8) with room to the end of its region. */
export interface TableMemory {
  readonly arena: Uint8Array;
  readonly address: bigint;
  readonly offset: number;
}

/** The mmsghdr array of one direction with an iovec and a socket address per message; pointers are written once. */
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

  constructor(memory: TableMemory, slots: number) {
    this.#view = new DataView(memory.arena.buffer, memory.arena.byteOffset, memory.arena.byteLength);
    this.#base = memory.address;
    this.#headers = memory.offset;
    this.#vectors = this.#headers + slots * MMSGHDR_BYTES;
    this.#names = this.#vectors + slots * IOVEC_BYTES;
    this.end = this.#names + slots * SOCKADDR_ROOM;
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

  #link(slot: number): void {
    const header = this.#headers + slot * MMSGHDR_BYTES;
    this.#view.setBigUint64(header + MSG_NAME, this.#base + BigInt(this.nameOffset(slot)), true);
    this.#view.setBigUint64(header + MSG_IOV, this.#base + BigInt(this.#vectors + slot * IOVEC_BYTES), true);
    this.#view.setBigUint64(header + MSG_IOVLEN, 1n, true);
  }
}
