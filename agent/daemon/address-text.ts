import { type Endpoint, isIpv4, type Prefix } from "../dataplane/link.ts";

/** The 4 bytes of a dotted address, or undefined. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}

/** The 16 bytes of an IPv6 address (RFC 4291 2.2), without a zone, or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => half === "" ? [] : parseGroups(half));
  const [head, tail] = groups;
  if (head === undefined || groups.includes(undefined)) return undefined;
  const bytes = new Uint8Array(16);
  if (halves.length === 1) {
    if (head.length !== 16) return undefined;
    bytes.set(head);
  } else {
    if (head.length + tail!.length > 14) return undefined;
    bytes.set(head);
    bytes.set(tail!, 16 - tail!.length);
  }
  return bytes;
}

/** `address/bits`; bits beyond the address or an unknown form are undefined. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address, length, ...rest] = text.split("/");
  const bytes = parseIpv4(address!) ?? parseIpv6(address!);
  if (bytes === undefined || rest.length > 0) return undefined;
  const bits = length === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  return bits < 0 || bits > bytes.length * 8 ? undefined : { address: bytes, bits };
}

/** `ip:port` or `[ip6]:port`; IPv4 becomes ::ffff:a.b.c.d. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port === 0 || port > 65_535) return undefined;
  if (match[1] !== undefined) {
    const address = parseIpv6(match[1]);
    return address && { address, port };
  }
  const ipv4 = parseIpv4(match[2]!);
  return ipv4 && { address: mapIpv4(ipv4), port };
}

export function formatEndpoint({ address, port }: Endpoint): string {
  if (isIpv4(address)) return `${address.subarray(12).join(".")}:${port}`;
  const groups = Array.from({ length: 8 }, (_, i) => (address[2 * i]! << 8) | address[2 * i + 1]!);
  return `[${compress(groups)}]:${port}`;
}

function parseGroups(text: string): number[] | undefined {
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const ipv4 = i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) bytes.push(...ipv4);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) bytes.push(parseInt(part, 16) >> 8, parseInt(part, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}

function mapIpv4(bytes: Uint8Array): Uint8Array {
  const address = new Uint8Array(16);
  address.fill(0xff, 10, 12);
  address.set(bytes, 12);
  return address;
}

/** RFC 5952: the longest run of at least two zero groups becomes `::`. */
function compress(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = [...text.matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)].sort((a, b) => b[1]!.length - a[1]!.length);
  const longest = runs[0];
  if (longest === undefined) return text;
  const start = longest.index + longest[0].length - longest[1]!.length;
  const before = text.slice(0, start).replace(/:$/, "");
  const after = text.slice(start + longest[1]!.length).replace(/^:/, "");
  return `${before}::${after}`;
}
