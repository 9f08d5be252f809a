/** Numbers of bits/socket.h, netinet/in.h and asm-generic/socket.h. */
export const AF_INET6 = 10;
export const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
export const MSG_DONTWAIT = 0x40;
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
/** As `SO_SNDBUF`, beyond the system's limit: needs CAP_NET_ADMIN. */
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SOL_UDP = 17;
/** Cuts one send into datagrams of equal size (Linux 4.18). */
export const UDP_SEGMENT = 103;
/** Joins datagrams of one sender and one size into one receive (Linux 5.0). */
export const UDP_GRO = 104;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPPROTO_IP = 0;
/** Whether the outer packet may be cut on its way; 0 leaves it to routers, as WireGuard does. */
export const IP_MTU_DISCOVER = 10;
export const IPV6_MTU_DISCOVER = 23;
/** The byte with DSCP and ECN: asked for with each message received, and given for one that is sent. */
export const IP_RECVTOS = 13;
export const IP_TOS = 1;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;

/** struct iovec, 16 bytes: base u64 at 0, length u64 at 8. */
export const IOVEC_BYTES = 16;

/**
 * struct mmsghdr, 64 bytes: msg_name u64 at 0, msg_namelen u32 at 8, msg_iov u64 at 16, msg_iovlen u64 at 24,
 * msg_control u64 at 32, msg_controllen u64 at 40, msg_flags u32 at 48, msg_len u32 at 56.
 */
export const MMSGHDR_BYTES = 64;
export const MSG_NAME = 0;
export const MSG_NAMELEN = 8;
export const MSG_IOV = 16;
export const MSG_IOVLEN = 24;
export const MSG_CONTROL = 32;
export const MSG_CONTROLLEN = 40;
export const MSG_FLAGS = 48;
export const MSG_LEN = 56;
export const MSG_TRUNC = 0x20;

/** struct cmsghdr, 16 bytes: length u64 at 0, level i32 at 8, type i32 at 12; then the data, in steps of 8 bytes. */
export const CMSG_DATA = 16;
/** One with up to 8 bytes of data. */
export const CMSG_ROOM = 24;
/** A message has one for the segment size and one for ECN at most. */
export const CMSGS_ROOM = 2 * CMSG_ROOM;
