import { errno, libc } from "../os/ffi/libc-linux.ts";
import { Errno } from "../os/ffi/errno-linux.ts";
import type { Endpoint } from "../dataplane/link.ts";
import { MSG_DONTWAIT, MSG_LEN, MSG_NAMELEN } from "./ffi/socket-linux.ts";
import { MessageTable, type TableMemory } from "./message-table-linux.ts";
import { SockaddrCodec } from "./sockaddr-linux.ts";
import { openUdpSocket } from "./udp-socket-linux.ts";

/** Datagrams received, as places in the arena. */
export interface DatagramBatch {
  count: number;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly sources: Endpoint[];
}

/** Datagrams to send: the first `datagramCount` places of the arena and where each goes. */
export interface Datagrams {
  readonly datagramCount: number;
  readonly datagramOffsets: Uint32Array;
  readonly datagramLengths: Uint32Array;
  readonly datagramTargets: readonly Endpoint[];
}

export interface LinuxUdpOptions {
  /** 0 for any; a taken one is replaced by a free one. */
  readonly port: number;
  readonly memory: TableMemory;
  readonly receive: { readonly offset: number; readonly slotBytes: number; readonly slots: number };
  /** Datagrams of one `send` at most. */
  readonly sendSlots: number;
}

/**
 * The tunnel's UDP socket: both families in one (IPv4 alone where the system has no IPv6), whole batches per system call,
 * datagrams where they lie in the arena. Never waits: what the system does not take is dropped and counted.
 */
export class LinuxUdp {
  readonly fd: number;
  readonly port: number;
  /** Datagrams the system refused: no route, blocked, too long, buffer full. */
  refused = 0;
  /** Error number that ended the socket, 0 while it works. */
  fault = 0;
  readonly batch: DatagramBatch;
  readonly #addresses: SockaddrCodec;
  readonly #receive: MessageTable;
  readonly #send: MessageTable;
  readonly #targets: (Endpoint | undefined)[];

  /** Throws `UdpUnavailable`. */
  constructor(options: LinuxUdpOptions) {
    const { receive, memory, sendSlots } = options;
    const socket = openUdpSocket(options.port);
    this.fd = socket.fd;
    this.port = socket.port;
    this.#addresses = new SockaddrCodec(socket.family, memory.arena);
    this.#receive = new MessageTable(memory, receive.slots);
    this.#send = new MessageTable({ ...memory, offset: this.#receive.end }, sendSlots);
    this.#targets = new Array<Endpoint | undefined>(sendSlots);
    this.batch = {
      count: 0,
      offsets: Uint32Array.from({ length: receive.slots }, (_, slot) => receive.offset + slot * receive.slotBytes),
      lengths: new Uint32Array(receive.slots),
      sources: [],
    };
    for (let slot = 0; slot < receive.slots; slot++) {
      this.#receive.setBuffer(slot, this.batch.offsets[slot]!, receive.slotBytes);
    }
  }

  /** Fills `batch` with what waits. Returns false when the socket is gone. */
  receive(): boolean {
    const { batch } = this;
    const table = this.#receive;
    batch.count = 0;
    for (let slot = 0; slot < batch.offsets.length; slot++) table.setU32(slot, MSG_NAMELEN, this.#addresses.bytes);
    const received = libc.recvmmsg(this.fd, table.address, batch.offsets.length, MSG_DONTWAIT, 0n);
    if (received < 0) return this.#survived(errno());
    for (let slot = 0; slot < received; slot++) {
      // A datagram longer than its slot is no packet of ours: length 0 is dropped as malformed.
      batch.lengths[slot] = table.truncated(slot) ? 0 : table.getU32(slot, MSG_LEN);
      batch.sources[slot] = this.#addresses.read(table.nameOffset(slot));
    }
    batch.count = received;
    return true;
  }

  /** Sends all, in order. Returns false when the socket is gone. */
  send(out: Datagrams): boolean {
    const count = out.datagramCount;
    for (let slot = 0; slot < count; slot++) this.#aim(slot, out);
    for (let sent = 0; sent < count;) {
      const done = libc.sendmmsg(this.fd, this.#send.addressOfMessage(sent), count - sent, MSG_DONTWAIT);
      if (done > 0) {
        sent += done;
        continue;
      }
      const error = errno();
      if (!this.#survived(error)) return false;
      if (error === Errno.EINTR) continue;
      // The error is about the first one left, or about a full buffer, which the next call will find again.
      this.refused++;
      sent++;
    }
    return true;
  }

  close(): void {
    libc.close(this.fd);
  }

  #aim(slot: number, out: Datagrams): void {
    this.#send.setBuffer(slot, out.datagramOffsets[slot]!, out.datagramLengths[slot]!);
    const target = out.datagramTargets[slot]!;
    if (this.#targets[slot] === target) return;
    this.#targets[slot] = target;
    this.#send.setU32(slot, MSG_NAMELEN, this.#addresses.write(this.#send.nameOffset(slot), target));
  }

  #survived(error: number): boolean {
    if (error !== Errno.EBADF && error !== Errno.ENOTSOCK) return true;
    this.fault = error;
    return false;
  }
}
