import { readIpv4, readIpv4Prefix } from "./ipv4.ts";

interface Range {
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** True for a prefix of IPv4 or IPv6, or a bare address. */
export function isIpPrefix(text: string): boolean {
  return readPrefix(text) !== undefined;
}

/** True when the address lies in one of the prefixes; IPv4-mapped IPv6 counts as IPv4. */
export function isInPrefixes(address: string, prefixes: readonly string[]): boolean {
  const host = address.includes("/") ? undefined : readPrefix(address.replace(/^::ffff:(?=\d+\.)/i, ""));
  if (host === undefined) return false;
  return prefixes.some((text) => {
    const prefix = readPrefix(text);
    return prefix?.version === host.version && host.first >= prefix.first && host.first <= prefix.last;
  });
}

function readPrefix(text: string): Range | undefined {
  const ipv4 = readIpv4Prefix(text);
  if (ipv4 !== undefined) return { version: 4, first: BigInt(ipv4.first), last: BigInt(ipv4.last) };
  const [address, bits = "128", ...rest] = text.split("/");
  const start = readIpv6(address!);
  if (start === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > 128) return undefined;
  const size = 1n << BigInt(128 - Number(bits));
  const first = start / size * size;
  return { version: 6, first, last: first + size - 1n };
}

/** RFC 4291 2.2: groups of 16 bits, `::` once for a run of zeros, an IPv4 address in place of the last two. */
function readIpv6(text: string): bigint | undefined {
  const [head = "", tail, ...rest] = text.split("::");
  if (rest.length > 0) return undefined;
  const before = readGroups(head, tail === undefined);
  const after = tail === undefined ? [] : readGroups(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const zeros = 8 - before.length - after.length;
  if (tail === undefined ? zeros !== 0 : zeros < 1) return undefined;
  return [...before, ...Array<number>(zeros).fill(0), ...after].reduce(
    (sum, group) => (sum << 16n) + BigInt(group),
    0n,
  );
}

function readGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const ipv4 = mayEndInIpv4 && i === parts.length - 1 ? readIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
