import type { NetMap, Peer } from "#protocol/netmap.ts";
import type { DataCommand, PeerIndex, Prefix } from "../dataplane/link.ts";
import type { PeerConfig } from "../dataplane/wireguard/outbox.ts";
import { parseEndpoint, parsePrefix } from "./address-text.ts";
import { bytesOfKey, hexOfKey } from "./key-text.ts";

/** A peer of the map with what the loop needs to find quickly. The key array is always the same one for a peer. */
export interface KnownPeer {
  readonly peer: Peer;
  readonly publicKey: Uint8Array;
  readonly config: PeerConfig;
}

/** Joins the two names of a peer: the map's id and key, and the data plane's row. */
export class PeerTable {
  readonly #byKey = new Map<string, KnownPeer>();
  readonly #keyById = new Map<string, string>();
  readonly #keyByIndex = new Map<PeerIndex, string>();

  /** Takes a whole map and returns what all peers are now. */
  replace(map: NetMap): PeerConfig[] {
    const before = new Map(this.#byKey);
    this.#byKey.clear();
    this.#keyById.clear();
    for (const peer of map.peers) this.#add(peer, before.get(keyHex(peer) ?? "")?.publicKey);
    return [...this.#byKey.values()].map(({ config }) => config);
  }

  /**
   * Adds or changes one peer; `removedKey` is the key it had before, when that was another; `returned` when it was away until
   * now and has its key still.
   */
  upsert(peer: Peer): { config: PeerConfig | undefined; removedKey: Uint8Array | undefined; returned: boolean } {
    const before = this.#byKey.get(this.#keyById.get(peer.id) ?? "");
    const sameKey = before !== undefined && before.peer.public_key === peer.public_key;
    const removedKey = before === undefined || sameKey ? undefined : this.remove(peer.id);
    const returned = sameKey && !before.peer.online && peer.online;
    return { config: this.#add(peer, sameKey ? before.publicKey : undefined)?.config, removedKey, returned };
  }

  remove(id: string): Uint8Array | undefined {
    const hex = this.#keyById.get(id);
    if (hex === undefined) return undefined;
    const known = this.#byKey.get(hex);
    this.#keyById.delete(id);
    this.#byKey.delete(hex);
    return known?.publicKey;
  }

  clear(): void {
    this.#byKey.clear();
    this.#keyById.clear();
  }

  /** Learns rows from the commands the control thread gives to the data thread. */
  observe(command: DataCommand): void {
    if (command.type === "peer.set") this.#keyByIndex.set(command.peer, toHex(command.publicKey));
    else if (command.type === "peer.remove") this.#keyByIndex.delete(command.peer);
  }

  byIndex(index: PeerIndex): KnownPeer | undefined {
    return this.#byKey.get(this.#keyByIndex.get(index) ?? "");
  }

  byKey(publicKey: Uint8Array): KnownPeer | undefined {
    return this.#byKey.get(toHex(publicKey));
  }

  /** By tailnet address, name without regard to case, or id. */
  find(target: string): KnownPeer | undefined {
    const wanted = target.toLowerCase();
    for (const known of this.#byKey.values()) {
      const { tailnet_ip, name, id } = known.peer;
      if (tailnet_ip === target || name.toLowerCase() === wanted || id === wanted) return known;
    }
    return undefined;
  }

  all(): Iterable<KnownPeer> {
    return this.#byKey.values();
  }

  #add(peer: Peer, sameKey: Uint8Array | undefined): KnownPeer | undefined {
    const hex = keyHex(peer);
    if (hex === undefined) return undefined;
    const publicKey = sameKey ?? bytesOfKey(peer.public_key);
    const known = { peer, publicKey, config: configOf(peer, publicKey) };
    this.#byKey.set(hex, known);
    this.#keyById.set(peer.id, hex);
    return known;
  }
}

function configOf(peer: Peer, publicKey: Uint8Array): PeerConfig {
  return {
    publicKey,
    allowedIps: peer.allowed_ips.map(parsePrefix).filter((prefix): prefix is Prefix => prefix !== undefined),
    endpoints: peer.endpoints.map(parseEndpoint).filter((endpoint) => endpoint !== undefined),
    relay: peer.relay_region !== null,
  };
}

/** Undefined for a key that is none: such a peer cannot be talked to. */
function keyHex(peer: Peer): string | undefined {
  const hex = hexOfKey(peer.public_key);
  return hex.length === 64 ? hex : undefined;
}

function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}
