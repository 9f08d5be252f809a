import wabt from "wabt";
import { openFunction, sealFunction } from "./aead.ts";
import { sumFunction } from "./checksum.ts";
import { op } from "./wat.ts";

const FEATURES = { simd: true, relaxed_simd: true, threads: true };
const LINE = 110;

/** The file `agent/crypto/kernel/kernel-wasm.ts`, the same for the same sources. */
export async function buildKernel(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat("kernel.wat", kernelText(), FEATURES);
  // The types do not know that it takes the features as well.
  (module.validate as (features: object) => void)(FEATURES);
  const { buffer } = module.toBinary({ log: false });
  module.destroy();
  const base64 = Buffer.from(buffer).toString("base64");
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, "g"))!.map((line) => `  "${line}",`);
  return [
    "// Made by `npm run build:kernel` from tools/build-kernel.",
    "// deno-fmt-ignore-file",
    "export const KERNEL_BASE64 = [",
    ...lines,
    '].join("");',
    "",
  ].join("\n");
}

function kernelText(): string {
  return op(
    "module",
    // The arena of a data thread: shared, and as large as its owner made it.
    '(import "arena" "memory" (memory 1 65536 shared))',
    '(import "arena" "scratch" (global $scratch i32))',
    sealFunction(),
    openFunction(),
    sumFunction(),
  );
}
