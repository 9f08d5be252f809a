import assert from "node:assert/strict";
import fc from "fast-check";
import type { PeerIndex, Prefix } from "../../../agent/dataplane/link.ts";
import { AllowedIps } from "../../../agent/dataplane/wireguard/allowed-ips.ts";
import { runs } from "../support/fuzz.ts";

/** The slow, obvious twin: a list, and the longest match wins. */
class PrefixList {
  #entries: { prefix: string; peer: PeerIndex }[] = [];

  insert(prefix: Prefix, peer: PeerIndex): void {
    const text = bitsOf(prefix.address).slice(0, prefix.bits);
    this.#entries = this.#entries.filter((entry) => entry.prefix !== text);
    this.#entries.push({ prefix: text, peer });
  }

  remove(prefix: Prefix, peer: PeerIndex): void {
    const text = bitsOf(prefix.address).slice(0, prefix.bits);
    this.#entries = this.#entries.filter((entry) => entry.prefix !== text || entry.peer !== peer);
  }

  find(address: Uint8Array): PeerIndex | undefined {
    const text = bitsOf(address);
    const matches = this.#entries.filter(({ prefix }) => text.startsWith(prefix));
    return matches.sort((a, b) => b.prefix.length - a.prefix.length)[0]?.peer;
  }
}

function bitsOf(address: Uint8Array): string {
  return [...address].map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

/** Few values per byte, so that prefixes nest and addresses hit. */
function addresses(length: 4 | 16) {
  const byte = fc.constantFrom(0, 1, 127, 128, 255);
  return fc.array(byte, { minLength: length, maxLength: length }).map((bytes) => Uint8Array.from(bytes));
}

function steps(length: 4 | 16) {
  const edge = fc.constantFrom(0, 1, 8, length * 8 - 1, length * 8);
  const bits = fc.oneof(fc.integer({ min: 0, max: length * 8 }), edge);
  const step = fc.record({ add: fc.boolean(), address: addresses(length), bits, peer: fc.nat(3) });
  return fc.array(step, { maxLength: 60 });
}

for (const length of [4, 16] as const) {
  Deno.test(`a table of ${length}-byte prefixes answers as a list of them does, whatever was added and removed`, () => {
    fc.assert(
      fc.property(steps(length), fc.array(addresses(length), { maxLength: 30 }), (changes, asked) => {
        const [trie, list] = [new AllowedIps(), new PrefixList()];
        for (const { add, address, bits, peer } of changes) {
          for (const table of [trie, list]) table[add ? "insert" : "remove"]({ address, bits }, peer);
        }
        const all = [...asked, ...changes.map(({ address }) => address)];
        for (const address of all) assert.equal(trie.find(address, 0, length), list.find(address));
      }),
      runs(100),
    );
  });
}

Deno.test("IPv4 and IPv6 prefixes do not meet", () => {
  const table = new AllowedIps();
  table.insert({ address: new Uint8Array(4), bits: 0 }, 1);
  table.insert({ address: new Uint8Array(16), bits: 0 }, 2);
  assert.deepEqual([table.find(new Uint8Array(4), 0, 4), table.find(new Uint8Array(16), 0, 16)], [1, 2]);
});
