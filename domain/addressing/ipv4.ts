/** An IPv4 address as a number of 32 bits, or undefined for anything else. */
export function readIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function showIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

export interface Ipv4Prefix {
  readonly first: number;
  readonly last: number;
}

/** A prefix such as `10.0.0.0/8`; a bare address is one of 32 bits. Undefined for anything else. */
export function readIpv4Prefix(text: string): Ipv4Prefix | undefined {
  const [address, bits = "32", ...rest] = text.split("/");
  const start = readIpv4(address!);
  if (start === undefined || rest.length > 0 || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(start / size) * size;
  return { first, last: first + size - 1 };
}
