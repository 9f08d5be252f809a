/**
 * struct virtio_net_hdr (linux/virtio_net.h), 10 bytes in the machine's order before each packet of a TUN with
 * IFF_VNET_HDR: flags u8 at 0, gso_type u8 at 1, hdr_len u16 at 2, gso_size u16 at 4, csum_start u16 at 6, csum_offset u16
 * at 8.
 */
export const VNET_HEADER_BYTES = 10;
export const VnetHeader = {
  flags: 0,
  gsoType: 1,
  headerBytes: 2,
  gsoSize: 4,
  checksumStart: 6,
  checksumOffset: 8,
} as const;
/** The checksum field holds the sum over the pseudo-header; the rest is to be added. */
export const NEEDS_CHECKSUM = 1;
export const GSO_NONE = 0;
export const GSO_TCP4 = 1;
export const GSO_TCP6 = 4;
/** UDP datagrams of one size, of either family. */
export const GSO_UDP = 5;
/** The packet carries ECN's CWR bit, which the first segment alone keeps. */
export const GSO_ECN = 0x80;
