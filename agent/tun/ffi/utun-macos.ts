/** net/if_utun.h, sys/kern_control.h and sys/socket.h of macOS. */
export const PF_SYSTEM = 32;
export const SOCK_DGRAM = 2;
export const SYSPROTO_CONTROL = 2;
const AF_SYSTEM = 32;
const AF_SYS_CONTROL = 2;
const UTUN_CONTROL_NAME = "com.apple.net.utun_control";
export const UTUN_OPT_IFNAME = 2;
/** `_IOWR('N', 3, struct ctl_info)`. */
export const CTLIOCGINFO = 0xc064_4e03n;
export const MSG_DONTWAIT = 0x80;

/** What stands before each packet: its family, big endian. */
export const FAMILY_BYTES = 4;
const AF_INET = 2;
const AF_INET6 = 30;

const CTL_INFO_BYTES = 100;
const SOCKADDR_CTL_BYTES = 32;
export const IOVEC_BYTES = 16;
/** struct msghdr: name u64 at 0, namelen u32 at 8, iov u64 at 16, iovlen i32 at 24, control u64 at 32, lengths and flags. */
export const MSGHDR_BYTES = 48;
export const MsgHdr = { vectors: 16, vectorCount: 24 } as const;

/** struct ctl_info, 100 bytes: id u32 at 0, which CTLIOCGINFO fills in, and the name at 4. */
export function ctlInfo(): Uint8Array<ArrayBuffer> {
  const info = new Uint8Array(CTL_INFO_BYTES);
  info.set(new TextEncoder().encode(UTUN_CONTROL_NAME), 4);
  return info;
}

export function controlIdOf(info: Uint8Array): number {
  return new DataView(info.buffer, info.byteOffset).getUint32(0, true);
}

/** struct sockaddr_ctl, 32 bytes: length, family, u16 AF_SYS_CONTROL, id u32, unit u32. Unit 0 takes any free one. */
export function sockaddrCtl(controlId: number, unit: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(SOCKADDR_CTL_BYTES);
  const view = new DataView(address.buffer);
  address.set([SOCKADDR_CTL_BYTES, AF_SYSTEM]);
  view.setUint16(2, AF_SYS_CONTROL, true);
  view.setUint32(4, controlId, true);
  view.setUint32(8, unit, true);
  return address;
}

/** The unit that gives an interface of this name: one more than its number. Other names than utunN cannot be had: 0. */
export function unitOf(name: string): number {
  const number = /^utun(\d+)$/.exec(name)?.[1];
  return number === undefined ? 0 : Number(number) + 1;
}

/** The family of an IP packet by its first byte, or undefined when it is none. */
export function familyOf(firstByte: number): number | undefined {
  const version = firstByte >>> 4;
  return version === 4 ? AF_INET : version === 6 ? AF_INET6 : undefined;
}
