import { errno, libc } from "../os/ffi/libc-linux.ts";
import { addressOf } from "../os/ffi/memory.ts";
import { Errno, errnoText } from "../os/ffi/errno-linux.ts";
import { NO_OFFLOADS, type PacketBatch, type TunDevice, type TunOffloads, TunUnavailable } from "./device.ts";
import {
  IFF_VNET_HDR,
  ifreq,
  ifreqName,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  TUN_F_CSUM_TSO4_TSO6,
  TUN_F_USO4_USO6,
  TUNSETIFF,
  TUNSETOFFLOAD,
} from "./ffi/tun-linux.ts";
import { nextName } from "./interface-name.ts";

export interface LinuxTunOptions {
  /** Name to ask for; its last number is counted up while the name is taken. */
  readonly name: string;
  readonly mtuBytes: number;
  readonly batchSize: number;
  /** A `virtio_net_hdr` before each packet, and super-packets if the kernel has them. */
  readonly offloads?: boolean;
  /** Address of the arena's first byte. */
  readonly arenaAddress: bigint;
  /** The open device of another thread, which closes it. */
  readonly shared?: { readonly fd: number; readonly name: string } | undefined;
}

/** A kernel TUN. The interface lives as long as this object keeps it open. */
export class LinuxTun implements TunDevice {
  readonly name: string;
  readonly mtuBytes: number;
  readonly vnet: boolean;
  readonly batchSize: number;
  readonly fd: number;
  /** Packets the kernel did not take, such as while the interface is down. */
  refused = 0;
  /** Error number that ended `read` or `write`, 0 while the device is there. */
  fault = 0;
  offloads: TunOffloads = NO_OFFLOADS;
  readonly #isShared: boolean;
  readonly #arenaAddress: bigint;
  readonly #vectorsBytes = new Uint8Array(MOST_PIECES * IOVEC_BYTES);
  readonly #vectors = new DataView(this.#vectorsBytes.buffer);
  readonly #vectorsAddress = addressOf(this.#vectorsBytes);

  /** Throws `TunUnavailable`. */
  constructor(options: LinuxTunOptions) {
    this.mtuBytes = options.mtuBytes;
    this.batchSize = options.batchSize;
    this.#arenaAddress = options.arenaAddress;
    this.vnet = options.offloads ?? false;
    this.#isShared = options.shared !== undefined;
    ({ fd: this.fd, name: this.name } = options.shared ?? attach(options.name, this.vnet ? IFF_VNET_HDR : 0));
    if (this.vnet) this.setOffloads(true);
  }

  /** The header stays before each packet. */
  setOffloads(enabled: boolean): void {
    if (!this.vnet) return;
    const takes = (offloads: bigint) => libc.ioctlValue(this.fd, TUNSETOFFLOAD, offloads) >= 0;
    const uso = enabled && takes(TUN_F_CSUM_TSO4_TSO6 | TUN_F_USO4_USO6);
    const tso = uso || (enabled && takes(TUN_F_CSUM_TSO4_TSO6));
    if (!tso) takes(0n);
    this.offloads = { tso, uso, join: tso };
  }

  read(batch: PacketBatch): boolean {
    const capacity = Math.min(batch.offsets.length, this.batchSize);
    batch.count = 0;
    while (batch.count < capacity) {
      const at = batch.count;
      const length = libc.read(
        this.fd,
        this.#address(batch.offsets[at]!),
        BigInt.asUintN(64, BigInt(batch.lengths[at]!)),
      );
      if (length < 0) return this.#survived(errno());
      batch.lengths[at] = length;
      batch.count++;
    }
    return true;
  }

  write(batch: PacketBatch): boolean {
    for (let at = 0, end = 0; at < batch.count; at = end) {
      end = at + 1;
      while (this.vnet && end < batch.count && batch.joined?.[end] === 1) end++;
      if (this.#writePacket(batch, at, end) >= 0) continue;
      this.refused++;
      const error = errno();
      if (!this.#survived(error)) return false;
      // A kernel that does not take what we joined: from now on each packet goes alone. TCP sends the lost ones again.
      if (end - at > 1 && error === Errno.EINVAL) this.offloads = { ...this.offloads, join: false };
    }
    return true;
  }

  close(): void {
    if (!this.#isShared) libc.close(this.fd);
  }

  /** One packet, which with `vnet` may be of several pieces. */
  #writePacket({ offsets, lengths }: PacketBatch, first: number, end: number): number {
    if (!this.vnet) {
      return libc.write(this.fd, this.#address(offsets[first]!), BigInt.asUintN(64, BigInt(lengths[first]!)));
    }
    this.#setVector(0, offsets[first]! - VNET_HEADER_BYTES, lengths[first]! + VNET_HEADER_BYTES);
    for (let at = first + 1; at < end; at++) this.#setVector(at - first, offsets[at]!, lengths[at]!);
    return libc.writev(this.fd, this.#vectorsAddress, end - first);
  }

  #setVector(index: number, offset: number, length: number): void {
    this.#vectors.setBigUint64(index * IOVEC_BYTES, this.#address(offset), true);
    this.#vectors.setUint32(index * IOVEC_BYTES + 8, length, true);
  }

  #survived(error: number): boolean {
    if (error !== Errno.EBADFD && error !== Errno.EBADF && error !== Errno.ENODEV) return true;
    this.fault = error;
    return false;
  }

  #address(offset: number): bigint {
    return BigInt.asUintN(64, this.#arenaAddress + BigInt(offset));
  }
}

/** struct iovec: base u64 at 0, length u64 at 8. */
const IOVEC_BYTES = 16;
const MOST_PIECES = 256;
const VNET_HEADER_BYTES = 10;
const MAX_NAMES = 100;

function attach(wanted: string, flags: number): { fd: number; name: string } {
  let name = wanted;
  for (let tries = 0; tries < MAX_NAMES; tries++, name = nextName(name)) {
    const fd = openTun();
    const request = ifreq(name, flags);
    if (libc.ioctl(fd, TUNSETIFF, request) >= 0) return { fd, name: ifreqName(request) };
    const error = errno();
    libc.close(fd);
    // EBUSY: a TUN another process holds. EINVAL: an interface of another kind has the name.
    if (error !== Errno.EBUSY && error !== Errno.EINVAL) throw unavailable(error);
  }
  throw new TunUnavailable(`Cannot make a TUN interface: all names from ${wanted} to ${name} are taken.`);
}

function openTun(): number {
  const fd = libc.open(new TextEncoder().encode("/dev/net/tun\0"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw unavailable(errno());
  return fd;
}

function unavailable(error: number): TunUnavailable {
  return new TunUnavailable(`Cannot make a TUN interface: ${remedies[error] ?? `${errnoText(error)}.`}`);
}

const rights = "no permission. Run as root (sudo), or give the program CAP_NET_ADMIN and access to /dev/net/tun.";
const missing =
  "/dev/net/tun is missing or has no driver. Run: sudo modprobe tun (in a container: --device /dev/net/tun).";
const remedies: Readonly<Record<number, string>> = {
  [Errno.EPERM]: rights,
  [Errno.EACCES]: rights,
  [Errno.ENOENT]: missing,
  [Errno.ENODEV]: missing,
  [Errno.ENXIO]: missing,
};
