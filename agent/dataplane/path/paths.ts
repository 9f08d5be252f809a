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

/**
 * UDP addresses an initiation goes to: the path in use, and every other address when that is none or did not answer.
 * `attempts` counts this initiation; a search for a direct path tries all.
 */
export function initiationTargets(path: Path, ways: Ways, attempts: number, search: boolean): readonly Endpoint[] {
  const { endpoints, relay } = ways;
  if (path.via !== "udp") return search || !relay ? endpoints : [];
  const known = path.endpoint;
  if (!search && (relay || attempts === 1)) return [known];
  return [known, ...endpoints.filter((other) => !sameEndpoint(known, other))];
}
