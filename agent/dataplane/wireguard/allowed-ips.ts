import type { PeerIndex, Prefix } from "../link.ts";

/** An address or prefix as four big-endian words; IPv4 uses the first. */
type Words = readonly [number, number, number, number];

/** A prefix of a peer, or the place where two subtrees part. */
interface Node {
  readonly words: Words;
  readonly bits: number;
  peer: PeerIndex | undefined;
  zero: Node | undefined;
  one: Node | undefined;
}

/**
 * Which peer an inner address belongs to: the longest prefix wins (whitepaper 2). One trie per address family, with paths
 * compressed: a lookup visits as many nodes as prefixes nest, and a change touches one path only.
 */
export class AllowedIps {
  #v4: Node | undefined;
  #v6: Node | undefined;

  /** A prefix has one owner: who comes last takes it. */
  insert(prefix: Prefix, peer: PeerIndex): void {
    const leaf = leafOf(prefix, peer);
    if (prefix.address.length === 4) this.#v4 = inserted(this.#v4, leaf);
    else this.#v6 = inserted(this.#v6, leaf);
  }

  /** Takes the prefix away from `peer`; nothing happens when it is another's by now. */
  remove(prefix: Prefix, peer: PeerIndex): void {
    const leaf = leafOf(prefix, peer);
    if (prefix.address.length === 4) this.#v4 = removed(this.#v4, leaf);
    else this.#v6 = removed(this.#v6, leaf);
  }

  /** The peer of the address of 4 or 16 bytes at `offset`. */
  find(bytes: Uint8Array, offset: number, length: 4 | 16): PeerIndex | undefined {
    return length === 4 ? lookUp(this.#v4, 32, wordAt(bytes, offset), 0, 0, 0) : lookUp(
      this.#v6,
      128,
      wordAt(bytes, offset),
      wordAt(bytes, offset + 4),
      wordAt(bytes, offset + 8),
      wordAt(bytes, offset + 12),
    );
  }
}

function lookUp(root: Node | undefined, most: number, a: number, b: number, c: number, d: number) {
  let found: PeerIndex | undefined;
  let at = root;
  while (at !== undefined && commonBits(at.words, a, b, c, d) >= at.bits) {
    if (at.peer !== undefined) found = at.peer;
    if (at.bits === most) break;
    const { bits } = at;
    const word = bits < 32 ? a : bits < 64 ? b : bits < 96 ? c : d;
    at = (word >>> (31 - (bits & 31))) & 1 ? at.one : at.zero;
  }
  return found;
}

function inserted(at: Node | undefined, leaf: Node): Node {
  if (at === undefined) return leaf;
  const common = Math.min(commonBits(at.words, ...leaf.words), at.bits, leaf.bits);
  if (common === at.bits && common === leaf.bits) at.peer = leaf.peer;
  else if (common === at.bits) setChild(at, leaf.words, inserted(childOf(at, leaf.words), leaf));
  else if (common === leaf.bits) setChild(leaf, at.words, at);
  else return branch(common, at, leaf);
  return common === leaf.bits && common !== at.bits ? leaf : at;
}

/** The subtree without the leaf's prefix, and without nodes that hold nothing apart. */
function removed(at: Node | undefined, leaf: Node): Node | undefined {
  if (at === undefined || at.bits > leaf.bits || commonBits(at.words, ...leaf.words) < at.bits) return at;
  if (at.bits < leaf.bits) setChild(at, leaf.words, removed(childOf(at, leaf.words), leaf));
  else if (at.peer === leaf.peer) at.peer = undefined;
  if (at.peer !== undefined || (at.zero !== undefined && at.one !== undefined)) return at;
  return at.zero ?? at.one;
}

function branch(bits: number, a: Node, b: Node): Node {
  const parent: Node = { words: masked(a.words, bits), bits, peer: undefined, zero: undefined, one: undefined };
  setChild(parent, a.words, a);
  setChild(parent, b.words, b);
  return parent;
}

function childOf(at: Node, words: Words): Node | undefined {
  return bitOf(words, at.bits) ? at.one : at.zero;
}

function setChild(at: Node, words: Words, child: Node | undefined): void {
  if (bitOf(words, at.bits)) at.one = child;
  else at.zero = child;
}

function leafOf({ address, bits }: Prefix, peer: PeerIndex): Node {
  const words: Words = address.length === 4
    ? [wordAt(address, 0), 0, 0, 0]
    : [wordAt(address, 0), wordAt(address, 4), wordAt(address, 8), wordAt(address, 12)];
  return { words: masked(words, bits), bits, peer, zero: undefined, one: undefined };
}

function masked(words: Words, bits: number): Words {
  const mask = (word: number, from: number) =>
    bits >= from + 32 ? word : bits <= from ? 0 : word & (-1 << (from + 32 - bits));
  return [mask(words[0], 0), mask(words[1], 32), mask(words[2], 64), mask(words[3], 96)];
}

function bitOf(words: Words, bit: number): number {
  return (words[bit >>> 5]! >>> (31 - (bit & 31))) & 1;
}

function commonBits(words: Words, a: number, b: number, c: number, d: number): number {
  if (words[0] !== a) return Math.clz32(words[0] ^ a);
  if (words[1] !== b) return 32 + Math.clz32(words[1] ^ b);
  if (words[2] !== c) return 64 + Math.clz32(words[2] ^ c);
  return 96 + Math.clz32(words[3] ^ d);
}

/** Big endian, as a signed 32-bit number. */
function wordAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}
