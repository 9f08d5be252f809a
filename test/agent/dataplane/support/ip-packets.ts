/** IP packets made and checked the slow, obvious way: the twin of agent/dataplane/offload. */

const TCP = 6;
const UDP = 17;

export interface TcpFields {
  readonly version: 4 | 6;
  /** Any bytes; cut to multiples of 4, at most 40. IPv4 and TCP options. */
  readonly ipOptions: Uint8Array;
  readonly tcpOptions: Uint8Array;
  readonly id: number;
  readonly sequence: number;
  readonly flags: number;
  readonly port: number;
  readonly payload: Uint8Array;
}

export function tcpPacket(fields: TcpFields): Uint8Array {
  const { version, sequence, flags, port, payload } = fields;
  const options = fields.tcpOptions.slice(0, Math.min(40, fields.tcpOptions.length & ~3));
  const tcp = new Uint8Array(20 + options.length + payload.length);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, port);
  view.setUint16(2, 443);
  view.setUint32(4, sequence);
  view.setUint32(8, 0x01020304);
  tcp[12] = ((20 + options.length) / 4) << 4;
  tcp[13] = flags;
  view.setUint16(14, 4096);
  tcp.set(options, 20);
  tcp.set(payload, 20 + options.length);
  const ip = version === 4 ? ipv4Header(fields, tcp.length) : ipv6Header(tcp.length);
  view.setUint16(16, ~wordSum([...pseudoHeader(ip, version, tcp.length), ...tcp]) & 0xffff);
  return new Uint8Array([...ip, ...tcp]);
}

/** The packets a super-packet stands for, by the rules of TCP segmentation. */
export function segmentsOf(fields: TcpFields, segmentBytes: number): Uint8Array[] {
  const { payload, flags } = fields;
  const count = Math.ceil(payload.length / segmentBytes);
  return Array.from({ length: count }, (_, index) => {
    const kept = flags & (index === 0 ? 0xff : 0x7f) & (index === count - 1 ? 0xff : 0xf6);
    return tcpPacket({
      ...fields,
      id: (fields.id + index) & 0xffff,
      sequence: (fields.sequence + index * segmentBytes) >>> 0,
      flags: kept,
      payload: payload.slice(index * segmentBytes, (index + 1) * segmentBytes),
    });
  });
}

export type UdpFields = Omit<TcpFields, "tcpOptions" | "sequence" | "flags">;

export function udpPacket(fields: UdpFields): Uint8Array {
  const { version, port, payload } = fields;
  const udp = new Uint8Array(8 + payload.length);
  const view = new DataView(udp.buffer);
  view.setUint16(0, port);
  view.setUint16(2, 443);
  view.setUint16(4, udp.length);
  udp.set(payload, 8);
  const ip = version === 4 ? ipv4Header(fields, udp.length, UDP) : ipv6Header(udp.length, UDP);
  const sum = wordSum([...pseudoHeader(ip, version, udp.length, UDP), ...udp]);
  view.setUint16(6, (~sum & 0xffff) || 0xffff);
  return new Uint8Array([...ip, ...udp]);
}

/** The datagrams a UDP super-packet stands for. */
export function datagramsOf(fields: UdpFields, segmentBytes: number): Uint8Array[] {
  const { payload, id } = fields;
  return Array.from({ length: Math.ceil(payload.length / segmentBytes) }, (_, index) =>
    udpPacket({
      ...fields,
      id: (id + index) & 0xffff,
      payload: payload.slice(index * segmentBytes, (index + 1) * segmentBytes),
    }));
}

/** RFC 1071, a word at a time. */
export function wordSum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes[at]! * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function pseudoHeader(ip: Uint8Array, version: 4 | 6, length: number, protocol = TCP): number[] {
  const addresses = version === 4 ? ip.slice(12, 20) : ip.slice(8, 40);
  return [...addresses, 0, protocol, length >> 8, length & 0xff];
}

function ipv4Header({ ipOptions, id }: UdpFields, content: number, protocol = TCP): Uint8Array {
  const options = ipOptions.slice(0, Math.min(40, ipOptions.length & ~3));
  const ip = new Uint8Array(20 + options.length);
  const view = new DataView(ip.buffer);
  ip[0] = 0x40 | (ip.length / 4);
  view.setUint16(2, ip.length + content);
  view.setUint16(4, id);
  ip.set([0x40, 0, 64, protocol], 6);
  ip.set([100, 64, 0, 1, 100, 64, 0, 2], 12);
  ip.set(options, 20);
  view.setUint16(10, ~wordSum([...ip]) & 0xffff);
  return ip;
}

function ipv6Header(content: number, protocol = TCP): Uint8Array {
  const ip = new Uint8Array(40);
  ip[0] = 0x60;
  new DataView(ip.buffer).setUint16(4, content);
  ip.set([protocol, 64], 6);
  ip.set([0xfd, 0, 0, 1], 8);
  ip.set([0xfd, 0, 0, 2], 24);
  return ip;
}
