import type { X25519 } from "./engine.ts";
import { libcryptoX25519 } from "./x25519/libcrypto.ts";
import { nobleX25519 } from "./x25519/noble.ts";
import { nodeX25519 } from "./x25519/node.ts";

/** RFC 7748, 6.1. */
const BOB_PRIVATE = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
const BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const SECRET = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
const TRIES = 4;

/** Every implementation that can be loaded, the reference last. */
export function x25519Candidates(): X25519[] {
  return [...(libcryptoX25519 === undefined ? [] : [libcryptoX25519]), nodeX25519, nobleX25519];
}

/** The fastest of this machine among those that give the secret of RFC 7748; `now` is in milliseconds. */
export function selectX25519(now: () => number): X25519 {
  const timed = x25519Candidates().map((curve) => ({ curve, ms: timeOf(curve, now) }));
  return timed.sort((a, b) => a.ms - b.ms)[0]!.curve;
}

/** The best of a few tries, the first of which warms up; Infinity when the secret is wrong. */
function timeOf(curve: X25519, now: () => number): number {
  let best = Infinity;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const started = now();
    const key = curve.createKey(Uint8Array.fromHex(BOB_PRIVATE));
    const secret = key.sharedSecret(Uint8Array.fromHex(ALICE_PUBLIC));
    const ms = now() - started;
    const right = key.publicKey.toHex() === BOB_PUBLIC && secret?.toHex() === SECRET;
    key.destroy();
    if (!right) return Infinity;
    best = Math.min(best, ms);
  }
  return best;
}
