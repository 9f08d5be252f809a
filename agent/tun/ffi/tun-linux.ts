/** open(2), asm-generic/fcntl.h. */
export const O_RDWR = 0x2;
export const O_NONBLOCK = 0x800;
export const O_CLOEXEC = 0x80000;

/** linux/if_tun.h: `_IOW('T', 202, int)`. */
export const TUNSETIFF = 0x400454can;
const IFF_TUN = 0x1;
const IFF_NO_PI = 0x1000;
/** Each packet has a `virtio_net_hdr` before it. */
export const IFF_VNET_HDR = 0x4000;
/** `_IOW('T', 208, unsigned int)`: the argument is the value itself. */
export const TUNSETOFFLOAD = 0x400454d0n;
/** Checksums left to us, and TCP super-packets of both families. */
export const TUN_F_CSUM_TSO4_TSO6 = 1n | 2n | 4n;
/** UDP super-packets of both families: Linux 6.2. */
export const TUN_F_USO4_USO6 = 0x20n | 0x40n;

/** struct ifreq, 40 bytes: name char[16] at 0, flags u16 at 16. */
export function ifreq(name: string, flags = 0): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(new TextEncoder().encode(name).subarray(0, IFNAMSIZ - 1));
  new DataView(request.buffer).setUint16(IFNAMSIZ, IFF_TUN | IFF_NO_PI | flags, true);
  return request;
}

/** The name the kernel wrote back. */
export function ifreqName(request: Uint8Array): string {
  return new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
}

const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;
