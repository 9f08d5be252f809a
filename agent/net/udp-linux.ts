import { errno, libc } from "../os/ffi/libc-linux.ts";
import { Errno } from "../os/ffi/errno-linux.ts";
import { type Endpoint, isIpv4 } from "../dataplane/link.ts";
import { MSG_DONTWAIT, MSG_LEN, MSG_NAMELEN, SOL_UDP, UDP_GRO, UDP_SEGMENT } from "./ffi/socket-linux.ts";
import { MessageTable } from "./message-table-linux.ts";
import { SockaddrCodec } from "./sockaddr.ts";
import { createBatch, type DatagramBatch, type Datagrams, runEnd, type UdpDevice, type UdpOptions } from "./udp.ts";
import { openUdpSocket, setOption } from "./udp-socket-linux.ts";

/** What the kernel says to a run it cannot cut: EINVAL for a small MTU before Linux 6.14, EMSGSIZE since. */
const CANNOT_CUT: readonly number[] = [Errno.EIO, Errno.EINVAL, Errno.EMSGSIZE];

/**
 * The tunnel's UDP socket: both families in one (IPv4 alone where the system has no IPv6), whole batches per system call,
 * datagrams where they lie in the arena. Never waits: what the system does not take is dropped and counted.
 */
export class LinuxUdp implements UdpDevice {
  readonly fd: number;
  readonly family: number;
  readonly port: number;
  refused = 0;
  fault = 0;
  messages = 0;
  offloads = { segment: false, gro: false };
  readonly batch: DatagramBatch;
  readonly #isShared: boolean;
  readonly #addresses: SockaddrCodec;
  readonly #receive: MessageTable;
  readonly #send: MessageTable;
  readonly #targets: (Endpoint | undefined)[];
  /** The first datagram of each message. */
  readonly #firsts: Uint32Array;
  /** The first datagram of the batch at hand that may be part of a run: those before it go alone. */
  #aloneUntil = 0;

  /** Throws `UdpUnavailable`. */
  constructor(options: UdpOptions) {
    const { receive, memory, sendSlots } = options;
    const socket = options.shared ?? openUdpSocket(options.port);
    this.#isShared = options.shared !== undefined;
    this.family = socket.family;
    this.fd = socket.fd;
    this.port = socket.port;
    this.#addresses = new SockaddrCodec(socket.family, memory.arena);
    this.#receive = new MessageTable(memory, receive.slots);
    this.#send = new MessageTable({ ...memory, offset: this.#receive.end }, sendSlots);
    this.#targets = new Array<Endpoint | undefined>(sendSlots);
    this.#firsts = new Uint32Array(sendSlots);
    if (options.offloads === true) this.setOffloads(true);
    this.batch = createBatch(receive);
    for (let slot = 0; slot < receive.slots; slot++) {
      this.#receive.setBuffer(slot, this.batch.offsets[slot]!, receive.slotBytes);
    }
    this.#expect(receive.slots);
  }

  setOffloads(enabled: boolean): void {
    const gro = setOption(this.fd, SOL_UDP, UDP_GRO, enabled ? 1 : 0) && enabled;
    const segment = enabled && setOption(this.fd, SOL_UDP, UDP_SEGMENT, 0);
    this.offloads = { segment, gro };
  }

  receive(): boolean {
    const { batch } = this;
    const table = this.#receive;
    this.#expect(batch.count);
    batch.count = 0;
    const received = libc.recvmmsg(this.fd, table.address, batch.offsets.length, MSG_DONTWAIT, 0n);
    if (received < 0) return this.#survived(errno());
    for (let slot = 0; slot < received; slot++) {
      // A datagram longer than its slot is no packet of ours: length 0 is dropped as malformed.
      batch.lengths[slot] = table.truncated(slot) ? 0 : table.getU32(slot, MSG_LEN);
      table.readControl(slot);
      batch.segments[slot] = table.segmentBytes;
      batch.ecn[slot] = table.ecn;
      batch.sources[slot] = this.#addresses.read(table.nameOffset(slot));
    }
    batch.count = received;
    return true;
  }

  send(out: Datagrams): boolean {
    this.#aloneUntil = 0;
    for (let first = 0; first < out.datagramCount;) {
      const left = this.#sendFrom(first, out);
      if (this.fault !== 0) return false;
      first = left;
    }
    return true;
  }

  close(): void {
    if (!this.#isShared) libc.close(this.fd);
  }

  /** Sends from one datagram on and returns the first one that is to be tried in another way. */
  #sendFrom(first: number, out: Datagrams): number {
    const count = this.#prepare(first, out);
    this.messages += count;
    for (let sent = 0; sent < count;) {
      const done = libc.sendmmsg(this.fd, this.#send.addressOfMessage(sent), count - sent, MSG_DONTWAIT);
      if (done > 0) {
        sent += done;
        continue;
      }
      const error = errno();
      if (!this.#survived(error)) return out.datagramCount;
      if (error === Errno.EINTR) continue;
      const next = sent + 1 < count ? this.#firsts[sent + 1]! : out.datagramCount;
      if (next - this.#firsts[sent]! > 1 && CANNOT_CUT.includes(error)) {
        // No checksums in hardware; otherwise it is only that the way to this peer has a smaller MTU.
        if (error === Errno.EIO) this.offloads.segment = false;
        this.#aloneUntil = next;
        return this.#firsts[sent]!;
      }
      // The error is about the first one left, or about a full buffer, which the next call will find again.
      this.refused++;
      sent++;
    }
    return out.datagramCount;
  }

  /** Fills the table: a run of adjacent datagrams of one size for one target is one message. Returns their count. */
  #prepare(first: number, out: Datagrams): number {
    let messages = 0;
    for (let at = first; at < out.datagramCount; messages++) {
      const end = this.offloads.segment && at >= this.#aloneUntil ? runEnd(at, out) : at + 1;
      const offset = out.datagramOffsets[at]!;
      const bytes = out.datagramOffsets[end - 1]! + out.datagramLengths[end - 1]! - offset;
      this.#firsts[messages] = at;
      this.#send.setBuffer(messages, offset, bytes);
      const target = out.datagramTargets[at]!;
      const segmentBytes = end === at + 1 ? 0 : out.datagramLengths[at]!;
      const ecn = out.datagramEcn[at]!;
      this.#send.setControl(messages, segmentBytes, ecn, ecn !== 0 && isIpv4(target.address));
      this.#aim(messages, target);
      at = end;
    }
    return messages;
  }

  /** Makes room in the first slots for what the kernel says of a message; it takes the room back when it has. */
  #expect(slots: number): void {
    for (let slot = 0; slot < slots; slot++) {
      this.#receive.setU32(slot, MSG_NAMELEN, this.#addresses.bytes);
      this.#receive.expectControl(slot);
    }
  }

  #aim(slot: number, target: Endpoint): void {
    if (this.#targets[slot] === target) return;
    this.#targets[slot] = target;
    this.#send.setU32(slot, MSG_NAMELEN, this.#addresses.write(this.#send.nameOffset(slot), target));
  }

  /** What is said of one datagram is no end. A socket that was closed from outside (sock_diag(7)) may be deaf from then on. */
  #survived(error: number): boolean {
    if (error !== Errno.EBADF && error !== Errno.ENOTSOCK && error !== Errno.ECONNABORTED) return true;
    this.fault = error;
    return false;
  }
}
