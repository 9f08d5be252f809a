import { type LibSystem, MacErrno, openLibSystem } from "../os/ffi/libsystem-macos.ts";
import { addressOf } from "../os/ffi/memory.ts";
import { NO_OFFLOADS, type PacketBatch, type TunDevice, TunUnavailable } from "./device.ts";
import {
  controlIdOf,
  ctlInfo,
  CTLIOCGINFO,
  FAMILY_BYTES,
  familyOf,
  IOVEC_BYTES,
  MSG_DONTWAIT,
  MsgHdr,
  MSGHDR_BYTES,
  PF_SYSTEM,
  SOCK_DGRAM,
  sockaddrCtl,
  SYSPROTO_CONTROL,
  unitOf,
  UTUN_OPT_IFNAME,
} from "./ffi/utun-macos.ts";

export interface MacTunOptions {
  /** utunN for that one; any other name takes a free one. */
  readonly name: string;
  readonly mtuBytes: number;
  readonly batchSize: number;
  readonly arena: Uint8Array;
}

/**
 * A utun interface. It lives as long as this object keeps it open. Written to the documented interface and never run on a
 * Mac: only what surrounds the system calls is tested.
 */
export class MacTun implements TunDevice {
  readonly name: string;
  readonly mtuBytes: number;
  readonly batchSize: number;
  readonly vnet = false;
  readonly offloads = NO_OFFLOADS;
  readonly fd: number;
  /** Packets that are none, or that the system did not take. */
  refused = 0;
  /** Error number that ended `read` or `write`, 0 while the device is there. */
  fault = 0;
  readonly #system: LibSystem;
  readonly #arena: Uint8Array;
  readonly #arenaAddress: bigint;
  /** msghdr, two iovecs and the family before the packet; shared memory, because it never moves. */
  readonly #table = new DataView(new SharedArrayBuffer(MSGHDR_BYTES + 2 * IOVEC_BYTES + FAMILY_BYTES));
  readonly #tableAddress = addressOf(new Uint8Array(this.#table.buffer));

  /** Throws `TunUnavailable`. */
  constructor(options: MacTunOptions, system: LibSystem = openLibSystem()) {
    this.mtuBytes = options.mtuBytes;
    this.batchSize = options.batchSize;
    this.#arena = options.arena;
    this.#arenaAddress = addressOf(options.arena);
    this.#system = system;
    this.fd = open(system, options.name);
    this.name = nameOf(system, this.fd);
    const family = this.#tableAddress + BigInt(FAMILY);
    this.#table.setBigUint64(MsgHdr.vectors, this.#tableAddress + BigInt(VECTORS), true);
    this.#table.setInt32(MsgHdr.vectorCount, 2, true);
    this.#table.setBigUint64(VECTORS, family, true);
    this.#table.setBigUint64(VECTORS + 8, BigInt(FAMILY_BYTES), true);
  }

  read(batch: PacketBatch): boolean {
    const capacity = Math.min(batch.offsets.length, this.batchSize);
    batch.count = 0;
    while (batch.count < capacity) {
      const at = batch.count;
      this.#aim(batch.offsets[at]!, batch.lengths[at]!);
      const length = Number(this.#system.recvmsg(this.fd, this.#tableAddress, MSG_DONTWAIT));
      if (length < 0) return this.#survived(this.#system.errno());
      if (length < FAMILY_BYTES) continue;
      batch.lengths[at] = length - FAMILY_BYTES;
      batch.count++;
    }
    return true;
  }

  write(batch: PacketBatch): boolean {
    for (let at = 0; at < batch.count; at++) {
      const family = familyOf(this.#arena[batch.offsets[at]!]!);
      if (family === undefined) {
        this.refused++;
        continue;
      }
      this.#table.setUint32(FAMILY, family);
      this.#aim(batch.offsets[at]!, batch.lengths[at]!);
      if (Number(this.#system.sendmsg(this.fd, this.#tableAddress, MSG_DONTWAIT)) >= 0) continue;
      this.refused++;
      if (!this.#survived(this.#system.errno())) return false;
    }
    return true;
  }

  setOffloads(): void {}

  close(): void {
    this.#system.close(this.fd);
  }

  #aim(offset: number, length: number): void {
    this.#table.setBigUint64(VECTORS + IOVEC_BYTES, this.#arenaAddress + BigInt(offset), true);
    this.#table.setBigUint64(VECTORS + IOVEC_BYTES + 8, BigInt(length), true);
  }

  #survived(error: number): boolean {
    if (error !== MacErrno.EBADF && error !== MacErrno.ENXIO && error !== MacErrno.ENOTSOCK) return true;
    this.fault = error;
    return false;
  }
}

const VECTORS = MSGHDR_BYTES;
const FAMILY = MSGHDR_BYTES + 2 * IOVEC_BYTES;
const NAME_BYTES = 16;

function open(system: LibSystem, name: string): number {
  const fd = system.socket(PF_SYSTEM, SOCK_DGRAM, SYSPROTO_CONTROL);
  if (fd < 0) throw unavailable(system.errno());
  const info = ctlInfo();
  const wanted = unitOf(name);
  if (system.ioctl(fd, CTLIOCGINFO, info) < 0) return refuse(system, fd);
  const connect = (unit: number) => {
    const address = sockaddrCtl(controlIdOf(info), unit);
    return system.connect(fd, address, address.length) >= 0;
  };
  if (connect(wanted)) return fd;
  // Another program has that number: any other will do.
  if (wanted !== 0 && system.errno() === MacErrno.EBUSY && connect(0)) return fd;
  return refuse(system, fd);
}

function refuse(system: LibSystem, fd: number): never {
  const error = system.errno();
  system.close(fd);
  throw unavailable(error);
}

function nameOf(system: LibSystem, fd: number): string {
  const name = new Uint8Array(NAME_BYTES);
  const length = new Uint8Array(4);
  length[0] = NAME_BYTES;
  if (system.getsockopt(fd, SYSPROTO_CONTROL, UTUN_OPT_IFNAME, name, length) < 0) return refuse(system, fd);
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

function unavailable(error: number): TunUnavailable {
  const rights = error === MacErrno.EPERM || error === MacErrno.EACCES;
  const remedy = rights ? "no permission. Run it as root (sudo)." : `error ${error}.`;
  return new TunUnavailable(`Cannot make a TUN interface: ${remedy}`);
}
