/**
 * Addresses, routes and MTU of an interface (netioapi.h). Each function takes one row in memory; wine 8 has none of them,
 * so that they are looked up when the first is needed.
 */
const symbols = {
  InitializeUnicastIpAddressEntry: { parameters: ["buffer"], result: "void" },
  CreateUnicastIpAddressEntry: { parameters: ["buffer"], result: "u32" },
  DeleteUnicastIpAddressEntry: { parameters: ["buffer"], result: "u32" },
  InitializeIpForwardEntry: { parameters: ["buffer"], result: "void" },
  CreateIpForwardEntry2: { parameters: ["buffer"], result: "u32" },
  DeleteIpForwardEntry2: { parameters: ["buffer"], result: "u32" },
  InitializeIpInterfaceEntry: { parameters: ["buffer"], result: "void" },
  GetIpInterfaceEntry: { parameters: ["buffer"], result: "u32" },
  SetIpInterfaceEntry: { parameters: ["buffer"], result: "u32" },
} as const;

export type IpHelper = Deno.DynamicLibrary<typeof symbols>["symbols"];

export function loadIpHelper(path = "iphlpapi.dll"): IpHelper {
  return Deno.dlopen(path, symbols).symbols;
}

export const AF_INET = 2;
export const AF_INET6 = 23;

/** SOCKADDR_INET, 28 bytes: family u16 at 0; an IPv4 address at 4, an IPv6 one at 8. */
const SockaddrInet = { family: 0, ipv4: 4, ipv6: 8 } as const;

/** Offsets in MIB_UNICASTIPADDRESS_ROW, 80 bytes. */
export const AddressRow = {
  bytes: 80,
  address: 0,
  luid: 32,
  prefixLength: 60,
  /** IpDadStatePreferred (4): the address is used at once. */
  dadState: 64,
} as const;
export const DAD_PREFERRED = 4;

/** Offsets in MIB_IPFORWARD_ROW2, 104 bytes. */
export const RouteRow = {
  bytes: 104,
  luid: 0,
  prefix: 12,
  prefixLength: 40,
  nextHop: 44,
  metric: 84,
} as const;

/** Offsets in MIB_IPINTERFACE_ROW, 168 bytes. */
export const InterfaceRow = {
  bytes: 168,
  family: 0,
  luid: 8,
  useAutomaticMetric: 44,
  sitePrefixLength: 144,
  metric: 148,
  mtu: 152,
} as const;

/** Writes an address of 4 or 16 bytes; returns its family. */
export function writeSockaddr(row: Uint8Array, at: number, address: Uint8Array): number {
  const family = address.length === 4 ? AF_INET : AF_INET6;
  new DataView(row.buffer).setUint16(at + SockaddrInet.family, family, true);
  row.set(address, at + (family === AF_INET ? SockaddrInet.ipv4 : SockaddrInet.ipv6));
  return family;
}
