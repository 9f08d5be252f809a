import { ZtnaError } from "#protocol/errors.ts";
import { readIpv4Prefix, showIpv4 } from "../addressing/ipv4.ts";

const MOST_ROUTES = 64;

/**
 * Subnet routes as they are kept: each once, as the prefix's own address and length. Refuses what is no IPv4 prefix, what
 * would take traffic of the tailnet itself, and everything there is: that is what an exit node offers.
 */
export function cleanRoutes(texts: readonly string[], addressPool: string): string[] {
  if (texts.length > MOST_ROUTES) throw wrong(`at most ${MOST_ROUTES} entries`);
  return [...new Set(texts.map((text) => cleanRoute(text.trim(), addressPool)))];
}

/** Those of the approved routes that are still offered. */
export function stillApproved(approved: readonly string[], advertised: readonly string[]): string[] {
  return approved.filter((route) => advertised.includes(route));
}

function cleanRoute(text: string, addressPool: string): string {
  const prefix = readIpv4Prefix(text);
  if (prefix === undefined) throw wrong(`not an IPv4 prefix: ${text.slice(0, 50)}`);
  const pool = readIpv4Prefix(addressPool);
  const bits = 32 - Math.log2(prefix.last - prefix.first + 1);
  if (bits === 0) throw wrong(`${text} is what advertise_exit_node offers`);
  if (pool !== undefined && prefix.first <= pool.last && pool.first <= prefix.last) {
    throw wrong(`${text} overlaps the tailnet ${addressPool}`);
  }
  return `${showIpv4(prefix.first)}/${bits}`;
}

function wrong(why: string): ZtnaError {
  return new ZtnaError("INVALID_INPUT", `advertised_routes: ${why}`);
}
