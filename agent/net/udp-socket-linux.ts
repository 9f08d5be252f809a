import { errno, libc } from "../os/ffi/libc-linux.ts";
import { Errno, errnoText } from "../os/ffi/errno-linux.ts";
import {
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_RECVTOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU_DISCOVER,
  IPV6_RECVTCLASS,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_DGRAM_CLOEXEC,
  SOL_SOCKET,
} from "./ffi/socket-linux.ts";
import { AF_INET, SOCKADDR_IN6_BYTES, SOCKADDR_IN_BYTES } from "./sockaddr.ts";
import { type UdpSocket, UdpUnavailable } from "./udp.ts";

/** Binds to all addresses of both families, or of IPv4 alone; a taken port is replaced by a free one. */
export function openUdpSocket(port: number): UdpSocket {
  const six = openFamily(AF_INET6, port);
  const socket = typeof six === "number" ? openFamily(AF_INET, port) : six;
  if (typeof socket !== "number") return socket;
  if (socket === Errno.EADDRINUSE && port !== 0) return openUdpSocket(0);
  throw new UdpUnavailable(`Cannot open UDP port ${port}: ${errnoText(socket)}.`);
}

const BUFFER_BYTES = 7 * 1024 * 1024;

function openFamily(family: typeof AF_INET | typeof AF_INET6, port: number): UdpSocket | number {
  const fd = libc.socket(family, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return errno();
  if (family === AF_INET6) {
    setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    setOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, 0);
    setOption(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  }
  // A socket of IPv6 carries IPv4 as well.
  setOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, 0);
  setOption(fd, IPPROTO_IP, IP_RECVTOS, 1);
  setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) || setOption(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES) || setOption(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  const address = new Uint8Array(family === AF_INET6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  if (libc.bind(fd, address, address.length) < 0) return closedFor(fd, errno());
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, address.length, true);
  if (libc.getsockname(fd, address, length) < 0) return closedFor(fd, errno());
  return { fd, family, port: view.getUint16(2) };
}

function closedFor(fd: number, error: number): number {
  libc.close(fd);
  return error;
}

export function setOption(fd: number, level: number, option: number, value: number): boolean {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return libc.setsockopt(fd, level, option, bytes, bytes.length) === 0;
}
