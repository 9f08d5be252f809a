/**
 * What the agent needs of ws2_32.dll (winsock2.h, ws2def.h, ws2ipdef.h, mswsock.h). Sockets, events and addresses are 64-bit
 * numbers; calls return 0 or a count, and -1 with an error of `WSAGetLastError`.
 */
const library = Deno.dlopen("ws2_32.dll", {
  WSAStartup: { parameters: ["u16", "buffer"], result: "i32" },
  WSAGetLastError: { parameters: [], result: "i32" },
  /** Family, type, protocol, protocol info, group, flags. */
  WSASocketW: { parameters: ["i32", "i32", "i32", "u64", "u32", "u32"], result: "u64" },
  closesocket: { parameters: ["u64"], result: "i32" },
  bind: { parameters: ["u64", "buffer", "i32"], result: "i32" },
  getsockname: { parameters: ["u64", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["u64", "i32", "i32", "buffer", "i32"], result: "i32" },
  /** Socket, code, input and its size, output and its size, where the size goes, overlapped, completion. */
  WSAIoctl: { parameters: ["u64", "u32", "buffer", "u32", "buffer", "u32", "buffer", "u64", "u64"], result: "i32" },
  /** Socket, event, what sets it; the socket does not block from then on. */
  WSAEventSelect: { parameters: ["u64", "u64", "i32"], result: "i32" },
  /** Socket, bytes and their number, flags, address and its size. */
  sendto: { parameters: ["u64", "u64", "i32", "i32", "u64", "i32"], result: "i32" },
});

export const winsock = library.symbols;

export const VERSION_2_2 = 0x0202;
/** WSADATA, with room to spare. */
export const WSADATA_BYTES = 512;
export const AF_INET6 = 23;
export const SOCK_DGRAM = 2;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 27;
export const SOL_SOCKET = 0xffff;
export const SO_SNDBUF = 0x1001;
export const SO_RCVBUF = 0x1002;
/** Nobody else may bind the same port beside us: the complement of SO_REUSEADDR. */
export const SO_EXCLUSIVEADDRUSE = -5;
export const FD_READ = 1;
/** WSA_FLAG_OVERLAPPED, WSA_FLAG_NO_HANDLE_INHERIT. */
export const SOCKET_FLAGS = 0x01 | 0x80;
export const INVALID_SOCKET = 0xffff_ffff_ffff_ffffn;
/** Cuts one send into datagrams of this size (Windows 10 2004); 0 for none. */
export const UDP_SEND_MSG_SIZE = 2;
/** Joins datagrams of one sender up to this many bytes; their size comes as UDP_COALESCED_INFO with the message. */
export const UDP_RECV_MAX_COALESCED_SIZE = 3;
export const UDP_COALESCED_INFO = 3;
/** Whether a datagram nobody took makes the next receive fail; it does unless told otherwise. */
export const SIO_UDP_CONNRESET = 0x9800_000c;
const SIO_GET_EXTENSION_FUNCTION_POINTER = 0xc800_0006;

/** winsock2.h, winerror.h. */
export const WinsockError = {
  accessDenied: 10013,
  notSocket: 10038,
  messageTooLong: 10040,
  addressInUse: 10048,
  connectionAborted: 10053,
  connectionReset: 10054,
} as const;

/**
 * WSAMSG, 56 bytes: name u64 at 0, its length i32 at 8, buffers u64 at 16, their number u32 at 24, control WSABUF at 32,
 * flags u32 at 48. WSABUF, 16 bytes: length u32 at 0, address u64 at 8.
 */
export const Message = {
  bytes: 56,
  name: 0,
  nameLength: 8,
  buffers: 16,
  bufferCount: 24,
  control: 32,
  flags: 48,
} as const;
export const Buffer = { bytes: 16, length: 0, address: 8 } as const;
/** WSACMSGHDR: length u64 at 0, level i32 at 8, type i32 at 12; the data at 16, in steps of 8 bytes. */
export const Cmsg = { length: 0, level: 8, type: 12, data: 16 } as const;

/** GUID f689d7c8-6f1f-436b-8a53-e54fe351c322. */
const WSARECVMSG = Uint8Array.of(200, 215, 137, 246, 31, 111, 107, 67, 138, 83, 229, 79, 227, 81, 195, 34);

const receiveMessage = { parameters: ["u64", "u64", "u64", "u64", "u64"], result: "i32" } as const;

/** Socket, WSAMSG, where the number of bytes (u32) goes, overlapped, completion. */
export type ReceiveMessage = Deno.UnsafeFnPointer<typeof receiveMessage>;

/** WSARecvMsg is no export: each socket is asked for it. */
export function receiveMessageOf(socket: bigint): ReceiveMessage | undefined {
  const [found, size] = [new BigUint64Array(1), new Uint8Array(4)];
  const bytes = new Uint8Array(found.buffer);
  if (winsock.WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, WSARECVMSG, 16, bytes, 8, size, 0n, 0n) !== 0) {
    return undefined;
  }
  const pointer = Deno.UnsafePointer.create<typeof receiveMessage>(found[0]!);
  return pointer === null ? undefined : new Deno.UnsafeFnPointer(pointer, receiveMessage);
}
