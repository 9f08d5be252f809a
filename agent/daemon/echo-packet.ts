const IP_BYTES = 20;
const ICMP_BYTES = 8;
const PAYLOAD_BYTES = 56;

/** Builds an IPv4 packet with an ICMP echo request (RFC 791, RFC 792). Addresses are 4 bytes, numbers u16. */
export function buildEchoRequest(
  { source, destination, id, sequence }: {
    source: Uint8Array;
    destination: Uint8Array;
    id: number;
    sequence: number;
  },
): Uint8Array {
  const packet = new Uint8Array(IP_BYTES + ICMP_BYTES + PAYLOAD_BYTES);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  view.setUint16(4, sequence);
  packet[8] = 64;
  packet[9] = 1;
  packet.set(source, 12);
  packet.set(destination, 16);
  view.setUint16(10, checksum(packet.subarray(0, IP_BYTES)));
  packet[IP_BYTES] = 8;
  view.setUint16(IP_BYTES + 4, id);
  view.setUint16(IP_BYTES + 6, sequence);
  view.setUint16(IP_BYTES + 2, checksum(packet.subarray(IP_BYTES)));
  return packet;
}

/** The internet checksum (RFC 1071) of an even number of bytes. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
