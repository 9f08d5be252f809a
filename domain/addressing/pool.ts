import { readIpv4, readIpv4Prefix } from "./ipv4.ts";

/** The resolver's address inside every tailnet; never leased. */
const RESOLVER = readIpv4("100.100.100.100")!;

/** What a pool needs to remember: the next address never leased so far, and those given back. */
export interface PoolState {
  /** 0 for a pool nothing was ever leased from. */
  readonly next: number;
  /** The lowest address given back, when there is one. */
  readonly lowestReleased: number | undefined;
}

export interface Lease {
  readonly address: number;
  readonly next: number;
  /** True when the address is to be taken out of those given back. */
  readonly released: boolean;
}

/** Leases the lowest free address of a prefix; network, broadcast and resolver are kept out. Undefined when it is full. */
export function leaseAddress(pool: string, state: PoolState): Lease | undefined {
  const prefix = readIpv4Prefix(pool);
  if (prefix === undefined) return undefined;
  const next = skipReserved(Math.max(state.next, prefix.first + 1));
  const { lowestReleased } = state;
  if (lowestReleased !== undefined && lowestReleased < next) {
    return { address: lowestReleased, next: state.next, released: true };
  }
  return next < prefix.last ? { address: next, next: next + 1, released: false } : undefined;
}

function skipReserved(address: number): number {
  return address === RESOLVER ? address + 1 : address;
}
