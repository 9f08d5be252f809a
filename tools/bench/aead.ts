/**
 * `npm run bench:aead`: nanoseconds per packet of each engine, at the sizes packets have. Rounds are interleaved and the best
 * one counts: noise of the machine only ever adds.
 */
import { type AeadEngine, TAG_BYTES } from "../../agent/crypto/engine.ts";
import { loadKernel } from "../../agent/crypto/kernel/kernel.ts";
import { candidates } from "../../agent/crypto/select.ts";
import { createArena } from "../../agent/dataplane/arena.ts";
import { addressOf } from "../../agent/os/ffi/memory.ts";
import { cpuText } from "./cpu.ts";

const SIZES = [64, 192, 576, 1420, 16_384];
const ROUNDS = 15;
const ROUND_NS = 4_000_000;
const WARM_UP_MS = 60;

type Work = "seal" | "open";

const arena = createArena(1420);
const engines = candidates({ arena, arenaAddress: addressOf(arena.bytes), kernel: loadKernel(arena) });
const [plain, sealed] = [arena.udpOut.offset, arena.udpOut.offset + 65_536];

console.log(cpuText());
for (const work of ["seal", "open"] as const) {
  console.log(`\n${work} (ns per packet; x = times libcrypto, or the first engine here)`);
  console.log(`  ${"bytes".padEnd(10)}${SIZES.map((size) => String(size).padStart(16)).join("")}`);
  const bySize = SIZES.map((size) => measure(work, size));
  for (const [at, { name }] of engines.entries()) {
    const cells = bySize.map((times) =>
      `${times[at]!.toFixed(0)} ${(times[at]! / times[0]!).toFixed(2)}x`.padStart(16)
    );
    console.log(`  ${name.padEnd(10)}${cells.join("")}`);
  }
}

/** Best time of each engine. */
function measure(work: Work, size: number): number[] {
  const runs = engines.map((engine) => prepare(engine, work, size));
  for (const run of runs) warmUp(run);
  const counts = runs.map((run) => Math.max(1, Math.round(ROUND_NS / timeOf(run, 200))));
  const best = runs.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, run] of runs.entries()) best[at] = Math.min(best[at]!, timeOf(run, counts[at]!));
  }
  return best;
}

function prepare(engine: AeadEngine, work: Work, size: number): () => void {
  const key = engine.prepare(new Uint8Array(32).fill(7));
  let counter = 0;
  if (work === "seal") return () => key.seal(counter++, plain, size, sealed);
  return () => {
    // Opening spends what lies there: it goes elsewhere, so that each time the same is opened.
    if (counter++ === 0 || !key.open(1, sealed, size + TAG_BYTES, plain)) key.seal(1, plain, size, sealed);
  };
}

/** Long enough for V8 to compile the kernel anew, optimised. */
function warmUp(run: () => void): void {
  const started = performance.now();
  while (performance.now() - started < WARM_UP_MS) run();
}

/** Nanoseconds of one call. */
function timeOf(run: () => void, count: number): number {
  const started = performance.now();
  for (let at = 0; at < count; at++) run();
  return ((performance.now() - started) * 1e6) / count;
}
