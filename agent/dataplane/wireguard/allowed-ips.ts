import type { PeerIndex, Prefix } from "../link.ts";

interface Node {
  peer: PeerIndex | undefined;
  zero: Node | undefined;
  one: Node | undefined;
}

/** Which peer an inner address belongs to: the longest prefix wins (whitepaper 2). One trie per address family. */
export class AllowedIps {
  #v4 = node();
  #v6 = node();

  insert({ address, bits }: Prefix, peer: PeerIndex): void {
    let at = address.length === 4 ? this.#v4 : this.#v6;
    for (let i = 0; i < bits; i++) {
      if (isOne(address, 0, i)) at = at.one ??= node();
      else at = at.zero ??= node();
    }
    at.peer = peer;
  }

  removePeer(peer: PeerIndex): void {
    this.#v4 = without(this.#v4, peer) ?? node();
    this.#v6 = without(this.#v6, peer) ?? node();
  }

  /** The peer of the address of 4 or 16 bytes at `offset`. */
  find(bytes: Uint8Array, offset: number, length: 4 | 16): PeerIndex | undefined {
    let at: Node | undefined = length === 4 ? this.#v4 : this.#v6;
    let found: PeerIndex | undefined;
    for (let i = 0; at !== undefined; i++) {
      if (at.peer !== undefined) found = at.peer;
      if (i === length * 8) break;
      at = isOne(bytes, offset, i) ? at.one : at.zero;
    }
    return found;
  }
}

function node(): Node {
  return { peer: undefined, zero: undefined, one: undefined };
}

function isOne(bytes: Uint8Array, offset: number, bit: number): boolean {
  return ((bytes[offset + (bit >>> 3)]! >>> (7 - (bit & 7))) & 1) === 1;
}

function without(at: Node | undefined, peer: PeerIndex): Node | undefined {
  if (at === undefined) return undefined;
  const kept = {
    peer: at.peer === peer ? undefined : at.peer,
    zero: without(at.zero, peer),
    one: without(at.one, peer),
  };
  return kept.peer === undefined && kept.zero === undefined && kept.one === undefined ? undefined : kept;
}
