/** Numbers of linux/netlink.h, linux/rtnetlink.h, linux/if_link.h and linux/if_addr.h. */
export const AF_NETLINK = 16;
export const SOCK_RAW_CLOEXEC = 3 | 0x80000;
export const NETLINK_ROUTE = 0;

export const NLMSG_ERROR = 2;
export const RTM_NEWLINK = 16;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

export const IFLA_MTU = 4;
export const IFF_UP = 1;
export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
/** Do not look for another holder of the address: a tunnel has none. */
export const IFA_F_NODAD = 0x2;
export const RTA_DST = 1;
export const RTA_OIF = 4;
export const RT_TABLE_MAIN = 254;
export const RTPROT_STATIC = 4;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RTN_UNICAST = 1;

/** struct nlmsghdr, 16 bytes: length u32, type u16 at 4, flags u16 at 6, sequence u32 at 8, port u32 at 12. */
export const NLMSGHDR_BYTES = 16;

/** One request: header, the fixed part, then the attributes (length u16, type u16, value padded to 4). */
export function netlinkMessage(request: NetlinkRequest, sequence: number): Uint8Array<ArrayBuffer> {
  const attributes = request.attributes.map(([, value]) => ATTRIBUTE_BYTES + align(value.length));
  const length = attributes.reduce((sum, bytes) => sum + bytes, NLMSGHDR_BYTES + request.fixed.length);
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, request.type, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_ACK | request.flags, true);
  view.setUint32(8, sequence, true);
  message.set(request.fixed, NLMSGHDR_BYTES);
  let at = NLMSGHDR_BYTES + request.fixed.length;
  for (const [type, value] of request.attributes) {
    view.setUint16(at, ATTRIBUTE_BYTES + value.length, true);
    view.setUint16(at + 2, type, true);
    message.set(value, at + ATTRIBUTE_BYTES);
    at += ATTRIBUTE_BYTES + align(value.length);
  }
  return message;
}

export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly fixed: Uint8Array;
  readonly attributes: readonly (readonly [type: number, value: Uint8Array])[];
}

/** struct ifinfomsg, 16 bytes: family u8, type u16 at 2, index i32 at 4, flags u32 at 8, change u32 at 12. */
export function linkPart(index: number, flags: number, change: number): Uint8Array {
  const part = new DataView(new ArrayBuffer(16));
  part.setInt32(4, index, true);
  part.setUint32(8, flags, true);
  part.setUint32(12, change, true);
  return new Uint8Array(part.buffer);
}

/** struct ifaddrmsg, 8 bytes: family u8, prefix length u8, flags u8, scope u8, index u32. */
export function addressPart(family: number, bits: number, flags: number, index: number): Uint8Array {
  const part = new DataView(new ArrayBuffer(8));
  part.setUint8(0, family);
  part.setUint8(1, bits);
  part.setUint8(2, flags);
  part.setUint32(4, index, true);
  return new Uint8Array(part.buffer);
}

/** struct rtmsg, 12 bytes: family, dst length, src length, tos, table, protocol, scope, type (u8 each), flags u32. */
export function routePart(family: number, bits: number, scope: number): Uint8Array {
  return Uint8Array.of(family, bits, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, 0, 0, 0, 0);
}

export function u32(value: number): Uint8Array {
  const part = new DataView(new ArrayBuffer(4));
  part.setUint32(0, value, true);
  return new Uint8Array(part.buffer);
}

const ATTRIBUTE_BYTES = 4;

function align(bytes: number): number {
  return (bytes + 3) & ~3;
}
