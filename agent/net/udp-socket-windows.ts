import {
  AF_INET6,
  INVALID_SOCKET,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_V6ONLY,
  SIO_UDP_CONNRESET,
  SO_EXCLUSIVEADDRUSE,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_DGRAM,
  SOCKET_FLAGS,
  SOL_SOCKET,
  VERSION_2_2,
  winsock,
  WinsockError,
  WSADATA_BYTES,
} from "./ffi/winsock.ts";
import { AF_INET, SOCKADDR_IN6_BYTES, SOCKADDR_IN_BYTES } from "./sockaddr.ts";
import { type UdpSocket, UdpUnavailable } from "./udp.ts";

const BUFFER_BYTES = 7 * 1024 * 1024;

/** Binds to all addresses of both families, or of IPv4 alone; a taken port is replaced by a free one. */
export function openUdpSocket(port: number): UdpSocket {
  winsock.WSAStartup(VERSION_2_2, new Uint8Array(WSADATA_BYTES));
  const six = openFamily(AF_INET6, port);
  const socket = typeof six === "number" ? openFamily(AF_INET, port) : six;
  if (typeof socket !== "number") return socket;
  const isTaken = socket === WinsockError.addressInUse || socket === WinsockError.accessDenied;
  if (isTaken && port !== 0) return openUdpSocket(0);
  throw new UdpUnavailable(`Cannot open UDP port ${port}: Windows error ${socket}.`);
}

export function setOption(socket: bigint, level: number, option: number, value: number): boolean {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return winsock.setsockopt(socket, level, option, bytes, bytes.length) === 0;
}

function openFamily(family: number, port: number): UdpSocket | number {
  const socket = winsock.WSASocketW(family, SOCK_DGRAM, IPPROTO_UDP, 0n, 0, SOCKET_FLAGS);
  if (socket === INVALID_SOCKET) return winsock.WSAGetLastError();
  if (family === AF_INET6) setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  setOption(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
  setOption(socket, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  setOption(socket, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  const [none, off] = [new Uint8Array(4), new Uint8Array(4)];
  winsock.WSAIoctl(socket, SIO_UDP_CONNRESET, off, 4, new Uint8Array(0), 0, none, 0n, 0n);
  const address = new Uint8Array(family === AF_INET6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  if (winsock.bind(socket, address, address.length) !== 0) return closedFor(socket);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, address.length, true);
  if (winsock.getsockname(socket, address, length) !== 0) return closedFor(socket);
  return { fd: Number(socket), family, port: view.getUint16(2) };
}

function closedFor(socket: bigint): number {
  const error = winsock.WSAGetLastError();
  winsock.closesocket(socket);
  return error;
}
