import { type AeadEngine, type EngineArena, TAG_BYTES } from "./engine.ts";
import { hybridEngine } from "./engines/hybrid.ts";
import { libcryptoEngine } from "./engines/libcrypto.ts";
import { nobleEngine } from "./engines/noble.ts";
import { wasmEngine } from "./engines/wasm.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** Lengths around the kernels' steps: nothing, less than a block, several chunks. */
const CHECKED_BYTES = [0, 1, 16, 63, 64, 65, 191, 192, 193, 255, 256, 257, 448, 449, 1420];
/** Where checks and timings work in the engines' region, behind the engines' own scratch. */
const PLAIN = 4096;
const SEALED = 8192;
const EXPECTED = 12_288;
/** Pure ACKs and voice, what is left of a stream, and full packets. */
const TIMED_BYTES = [192, 576, 1408];
const TIMED_PACKETS = 16;
const LEAST_BATCHES = 3;
const TIMED_MS = 5;

/** Where an engine may work, and the kernel when the machine can run it. */
export interface EngineParts {
  readonly arena: EngineArena;
  /** Of the arena's first byte. */
  readonly arenaAddress: bigint;
  readonly kernel: Kernel | undefined;
}

/**
 * The fastest engine of this machine among those that agree with noble, or two of them, each for the lengths it is the
 * faster one at. `wanted` names one instead; `now` is in milliseconds.
 */
export function selectEngine(parts: EngineParts, now: () => number, wanted?: string): AeadEngine {
  const { arena } = parts;
  const reference = nobleEngine(arena);
  const engines = candidates(parts).filter((engine) => agrees(engine, reference, arena));
  if (wanted !== undefined) {
    const found = engines.find(({ name }) => name === wanted);
    const names = engines.map(({ name }) => name).join(", ");
    if (found === undefined) throw new Error(`There is no engine "${wanted}" here. It may be one of: ${names}.`);
    return found;
  }
  // The reference is the last resort: it is slower than any other by far.
  const fast = engines.filter(({ name }) => name !== "noble");
  return fast.length === 0 ? reference : fastest(fast, arena, now);
}

/** Every engine that can be loaded, the reference last. */
export function candidates({ arena, arenaAddress, kernel }: EngineParts): AeadEngine[] {
  const native = libcryptoEngine(arena, arenaAddress);
  const own = kernel && wasmEngine(kernel);
  return [native, own, nobleEngine(arena)].filter((engine) => engine !== undefined);
}

function fastest(engines: readonly AeadEngine[], arena: EngineArena, now: () => number): AeadEngine {
  const winners = TIMED_BYTES.map((bytes) => {
    const timed = engines.map((engine) => ({ engine, ms: timeOf(engine, bytes, arena, now) }));
    return timed.sort((a, b) => a.ms - b.ms)[0]!.engine;
  });
  const long = winners.at(-1)!;
  const short = winners[0]!;
  if (short === long) return long;
  const limit = TIMED_BYTES.findLast((_, at) => winners.slice(0, at + 1).every((winner) => winner === short))!;
  return hybridEngine(short, long, limit);
}

/** The same bytes as the reference at every length and counter tried, and no opening of a forged packet. */
function agrees(engine: AeadEngine, reference: AeadEngine, { bytes, engine: { offset } }: EngineArena): boolean {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  const [ours, theirs] = [engine.prepare(key), reference.prepare(key)];
  const [plain, sealed, expected] = [offset + PLAIN, offset + SEALED, offset + EXPECTED];
  const same = CHECKED_BYTES.every((length, index) => {
    const counter = Math.floor(2 ** (index * 3.5));
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

/** The best of many batches: the kernel is fast only when V8 has compiled it a second time, after a few milliseconds of use. */
function timeOf(
  engine: AeadEngine,
  bytes: number,
  { engine: { offset } }: EngineArena,
  now: () => number,
): number {
  const key = engine.prepare(new Uint8Array(32));
  const started = now();
  let best = Infinity;
  let before = started;
  for (let batch = 0; batch < LEAST_BATCHES || before - started < TIMED_MS; batch++) {
    for (let counter = 0; counter < TIMED_PACKETS; counter++) {
      key.seal(counter, offset + PLAIN, bytes, offset + SEALED);
      key.open(counter, offset + SEALED, bytes + TAG_BYTES, offset + SEALED);
    }
    const after = now();
    best = Math.min(best, after - before);
    before = after;
  }
  key.destroy();
  return best;
}

function equal(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let at = 0; at < length; at++) if (bytes[a + at] !== bytes[b + at]) return false;
  return true;
}
