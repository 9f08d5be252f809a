import { kernel32 } from "../os/ffi/kernel32-windows.ts";
import {
  Buffer,
  Cmsg,
  FD_READ,
  IPPROTO_UDP,
  Message,
  type ReceiveMessage,
  receiveMessageOf,
  UDP_COALESCED_INFO,
  UDP_RECV_MAX_COALESCED_SIZE,
  UDP_SEND_MSG_SIZE,
  winsock,
  WinsockError,
} from "./ffi/winsock.ts";
import { SOCKADDR_ROOM, SockaddrCodec } from "./sockaddr.ts";
import {
  createBatch,
  type DatagramBatch,
  type Datagrams,
  runEnd,
  type UdpDevice,
  type UdpOptions,
  UdpUnavailable,
} from "./udp.ts";
import { openUdpSocket, setOption } from "./udp-socket-windows.ts";

const CONTROL_BYTES = 64;
const MOST_COALESCED_BYTES = 65_535;

/**
 * The tunnel's UDP socket on Windows: one system call for each message, which may be a run of datagrams where Windows cuts
 * and joins them (10 version 2004). It neither sets nor reads ECN.
 */
export class WindowsUdp implements UdpDevice {
  readonly fd: number;
  readonly family: number;
  readonly port: number;
  /** Event that is set when datagrams have come; for WaitForMultipleObjects. */
  readonly readEvent: bigint;
  refused = 0;
  fault = 0;
  messages = 0;
  offloads = { segment: false, gro: false };
  readonly batch: DatagramBatch;
  readonly #isShared: boolean;
  readonly #socket: bigint;
  readonly #receiveMessage: ReceiveMessage;
  readonly #addresses: SockaddrCodec;
  readonly #view: DataView;
  readonly #address: bigint;
  /** Places in the arena: a message, its buffer, the number of bytes received, addresses of both ways, control. */
  readonly #at: {
    readonly message: number;
    readonly buffer: number;
    readonly received: number;
    readonly source: number;
    readonly target: number;
    readonly control: number;
  };
  readonly #slotBytes: number;
  /** What Windows cuts messages into at the moment. */
  #segmentBytes = 0;

  /** Throws `UdpUnavailable`. */
  constructor(options: UdpOptions) {
    const { receive, memory } = options;
    const socket = options.shared ?? openUdpSocket(options.port);
    this.#isShared = options.shared !== undefined;
    ({ fd: this.fd, family: this.family, port: this.port } = socket);
    this.#socket = BigInt(socket.fd);
    this.#receiveMessage = this.#demand(receiveMessageOf(this.#socket));
    this.readEvent = this.#demand(kernel32.CreateEventW(0n, 0, 0, 0n) || undefined);
    this.#demand(winsock.WSAEventSelect(this.#socket, this.readEvent, FD_READ) === 0 || undefined);
    this.#view = new DataView(memory.arena.buffer, memory.arena.byteOffset, memory.arena.byteLength);
    this.#address = memory.address;
    this.#addresses = new SockaddrCodec(socket.family, memory.arena);
    this.#slotBytes = receive.slotBytes;
    let end = memory.offset;
    const take = (bytes: number) => (end += bytes) - bytes;
    this.#at = {
      message: take(Message.bytes),
      buffer: take(Buffer.bytes),
      received: take(8),
      source: take(SOCKADDR_ROOM),
      target: take(SOCKADDR_ROOM),
      control: take(CONTROL_BYTES),
    };
    this.#link();
    this.batch = createBatch(receive);
    if (options.offloads === true) this.setOffloads(true);
  }

  setOffloads(enabled: boolean): void {
    const most = enabled ? MOST_COALESCED_BYTES : 0;
    const gro = setOption(this.#socket, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, most) && enabled;
    this.#segmentBytes = 0;
    const segment = setOption(this.#socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0) && enabled;
    this.offloads = { segment, gro };
  }

  receive(): boolean {
    const { batch } = this;
    batch.count = 0;
    while (batch.count < batch.offsets.length) {
      const slot = batch.count;
      this.#expect(batch.offsets[slot]!);
      const at = this.#at;
      const [message, received] = [this.#pointer(at.message), this.#pointer(at.received)];
      const isDone = this.#receiveMessage.call(this.#socket, message, received, 0n, 0n) === 0;
      const error = isDone ? 0 : winsock.WSAGetLastError();
      // What became of a datagram we sent is no news.
      if (error === WinsockError.connectionReset) continue;
      if (!isDone && error !== WinsockError.messageTooLong) return this.#survived(error);
      // A datagram longer than its slot is no packet of ours: length 0 is dropped as malformed.
      batch.lengths[slot] = isDone ? this.#view.getUint32(at.received, true) : 0;
      batch.segments[slot] = this.offloads.gro ? this.#coalescedBytes() : 0;
      batch.sources[slot] = this.#addresses.read(at.source);
      batch.count++;
    }
    return true;
  }

  send(out: Datagrams): boolean {
    for (let first = 0; first < out.datagramCount;) {
      const end = this.offloads.segment ? runEnd(first, out) : first + 1;
      if (this.#sendRun(first, end, out)) first = end;
      if (this.fault !== 0) return false;
    }
    return true;
  }

  close(): void {
    kernel32.CloseHandle(this.readEvent);
    if (!this.#isShared) winsock.closesocket(this.#socket);
  }

  /** False when the run is to be tried once more, datagram by datagram. */
  #sendRun(first: number, end: number, out: Datagrams): boolean {
    const offset = out.datagramOffsets[first]!;
    const bytes = out.datagramOffsets[end - 1]! + out.datagramLengths[end - 1]! - offset;
    const isRun = end - first > 1;
    if (!this.#cutInto(isRun ? out.datagramLengths[first]! : 0, bytes)) return false;
    const nameBytes = this.#addresses.write(this.#at.target, out.datagramTargets[first]!);
    this.messages++;
    const name = this.#pointer(this.#at.target);
    if (winsock.sendto(this.#socket, this.#pointer(offset), bytes, 0, name, nameBytes) >= 0) return true;
    if (!this.#survived(winsock.WSAGetLastError())) return true;
    if (isRun) {
      this.offloads = { ...this.offloads, segment: false };
      return false;
    }
    this.refused++;
    return true;
  }

  /** Has a message of `bytes` cut into datagrams of one size, or left whole for 0. */
  #cutInto(segmentBytes: number, bytes: number): boolean {
    if (segmentBytes === this.#segmentBytes || (segmentBytes === 0 && bytes <= this.#segmentBytes)) return true;
    this.#segmentBytes = segmentBytes;
    if (setOption(this.#socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, segmentBytes)) return true;
    this.offloads = { ...this.offloads, segment: false };
    return segmentBytes === 0;
  }

  /** Pointers that never change. */
  #link(): void {
    const { message, buffer, source, control } = this.#at;
    this.#setAddress(message + Message.name, source);
    this.#setAddress(message + Message.buffers, buffer);
    this.#view.setUint32(message + Message.bufferCount, 1, true);
    this.#setAddress(message + Message.control + Buffer.address, control);
  }

  /** Windows changes the lengths with each message. */
  #expect(offset: number): void {
    const view = this.#view;
    const { message, buffer } = this.#at;
    view.setUint32(message + Message.nameLength, SOCKADDR_ROOM, true);
    view.setUint32(message + Message.control + Buffer.length, CONTROL_BYTES, true);
    view.setUint32(message + Message.flags, 0, true);
    view.setUint32(buffer + Buffer.length, this.#slotBytes, true);
    this.#setAddress(buffer + Buffer.address, offset);
  }

  /** Size of the datagrams that Windows joined, 0 for one. */
  #coalescedBytes(): number {
    const view = this.#view;
    const { message, control } = this.#at;
    const end = control + view.getUint32(message + Message.control + Buffer.length, true);
    for (let at = control; at + Cmsg.data + 4 <= end;) {
      const isSize = view.getUint32(at + Cmsg.level, true) === IPPROTO_UDP &&
        view.getUint32(at + Cmsg.type, true) === UDP_COALESCED_INFO;
      if (isSize) return view.getUint32(at + Cmsg.data, true);
      at += Math.max(Cmsg.data, (view.getUint32(at + Cmsg.length, true) + 7) & ~7);
    }
    return 0;
  }

  #demand<T>(found: T | undefined): T {
    if (found !== undefined) return found;
    const error = winsock.WSAGetLastError();
    winsock.closesocket(this.#socket);
    throw new UdpUnavailable(`Cannot use the UDP socket: Windows error ${error}.`);
  }

  #survived(error: number): boolean {
    if (error !== WinsockError.notSocket && error !== WinsockError.connectionAborted) return true;
    this.fault = error;
    return false;
  }

  #setAddress(at: number, offset: number): void {
    this.#view.setBigUint64(at, this.#pointer(offset), true);
  }

  #pointer(offset: number): bigint {
    return BigInt.asUintN(64, this.#address + BigInt(offset));
  }
}
