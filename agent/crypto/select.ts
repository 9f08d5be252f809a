import { type AeadEngine, type EngineArena, TAG_BYTES } from "./engine.ts";
import { libcryptoEngine } from "./engines/libcrypto.ts";
import { nobleEngine } from "./engines/noble.ts";

/** Lengths around the kernels' steps: nothing, less than a block, several chunks. */
const CHECKED_BYTES = [0, 1, 16, 63, 64, 65, 255, 256, 257, 1420];
/** Where checks and timings work in the engines' region, behind the engines' own scratch. */
const PLAIN = 4096;
const SEALED = 8192;
const EXPECTED = 12_288;
const TIMED_BYTES = 1408;
const TIMED_PACKETS = 16;

/**
 * The fastest engine of this machine among those that agree with noble. `wanted` names one instead; `now` is in
 * milliseconds.
 */
export function selectEngine(
  arena: EngineArena,
  arenaAddress: bigint,
  now: () => number,
  wanted?: string,
): AeadEngine {
  const reference = nobleEngine(arena);
  const engines = candidates(arena, arenaAddress).filter((engine) => agrees(engine, reference, arena));
  if (wanted !== undefined) {
    const found = engines.find(({ name }) => name === wanted);
    const names = engines.map(({ name }) => name).join(", ");
    if (found === undefined) throw new Error(`There is no engine "${wanted}" here. It may be one of: ${names}.`);
    return found;
  }
  return engines.map((engine) => ({ engine, ms: timeOf(engine, arena, now) })).sort((a, b) => a.ms - b.ms)[0]!.engine;
}

/** Every engine that can be loaded, the reference last. */
export function candidates(arena: EngineArena, arenaAddress: bigint): AeadEngine[] {
  const native = libcryptoEngine(arena, arenaAddress);
  return [...(native === undefined ? [] : [native]), nobleEngine(arena)];
}

/** The same bytes as the reference at every length and counter tried, and no opening of a forged packet. */
function agrees(engine: AeadEngine, reference: AeadEngine, { bytes, engine: { offset } }: EngineArena): boolean {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  const [ours, theirs] = [engine.prepare(key), reference.prepare(key)];
  const [plain, sealed, expected] = [offset + PLAIN, offset + SEALED, offset + EXPECTED];
  const same = CHECKED_BYTES.every((length, index) => {
    const counter = 2 ** (index * 5);
    for (let at = 0; at < length; at++) bytes[plain + at] = at * 7 + index;
    theirs.seal(counter, plain, length, expected);
    ours.seal(counter, plain, length, sealed);
    const total = length + TAG_BYTES;
    if (!equal(bytes, sealed, expected, total)) return false;
    if (!ours.open(counter, sealed, total, sealed) || !equal(bytes, sealed, plain, length)) return false;
    bytes[expected + total - 1]! ^= 1;
    return !ours.open(counter, expected, total, expected);
  });
  ours.destroy();
  theirs.destroy();
  bytes.fill(0, offset + PLAIN, offset + EXPECTED + 4096);
  return same;
}

/** The better of two tries: the first one also warms up. */
function timeOf(engine: AeadEngine, { engine: { offset } }: EngineArena, now: () => number): number {
  const key = engine.prepare(new Uint8Array(32));
  const times = [0, 1].map(() => {
    const started = now();
    for (let counter = 0; counter < TIMED_PACKETS; counter++) {
      key.seal(counter, offset + PLAIN, TIMED_BYTES, offset + SEALED);
      key.open(counter, offset + SEALED, TIMED_BYTES + TAG_BYTES, offset + SEALED);
    }
    return now() - started;
  });
  key.destroy();
  return Math.min(...times);
}

function equal(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let at = 0; at < length; at++) if (bytes[a + at] !== bytes[b + at]) return false;
  return true;
}
