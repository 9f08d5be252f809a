import { type Endpoint, type Path, sameEndpoint } from "../link.ts";

/** The ways to a peer that its configuration names. */
export interface Ways {
  readonly endpoints: readonly Endpoint[];
  /** True when it can be reached over the relay. */
  readonly relay: boolean;
}

/** The path of a peer that has none: the relay is the way that needs no luck. */
export function firstPath({ relay, endpoints }: Ways): Path {
  if (relay) return { via: "relay" };
  const [endpoint] = endpoints;
  return endpoint === undefined ? { via: "none" } : { via: "udp", endpoint };
}

export function samePath(a: Path, b: Path): boolean {
  if (a.via !== "udp" || b.via !== "udp") return a.via === b.via;
  return sameEndpoint(a.endpoint, b.endpoint);
}

/** Every so often an initiation leaves out the relay, which the peer may not be able to reach. */
const ATTEMPTS_PER_DIRECT = 3;

/**
 * Whether an initiation goes over the relay, and the UDP addresses it goes to: the path in use, and every other address when
 * that is none or did not answer. `attempts` counts this initiation; a search for a direct path tries all addresses. Never
 * both the relay and an address that has not answered yet: of two copies the peer takes the first, and its answer may be lost.
 */
export function initiationWays(path: Path, ways: Ways, attempts: number, search: boolean): Ways {
  const { endpoints, relay } = ways;
  if (path.via !== "udp") {
    const isDirect = search || !relay || (attempts % ATTEMPTS_PER_DIRECT === 0 && endpoints.length > 0);
    return isDirect ? { endpoints, relay: false } : { endpoints: [], relay: true };
  }
  const known = path.endpoint;
  if (!search && (relay || attempts === 1)) return { endpoints: [known], relay };
  return { endpoints: [known, ...endpoints.filter((other) => !sameEndpoint(known, other))], relay: relay && !search };
}
