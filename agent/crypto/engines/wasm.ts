import { type AeadEngine, type AeadKey, TAG_BYTES } from "../engine.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** Our own SIMD kernel: no native code, on any system. */
export function wasmEngine(kernel: Kernel): AeadEngine {
  return { name: "wasm", prepare: (key) => new WasmKey(kernel, key) };
}

class WasmKey implements AeadKey {
  readonly #seal: Kernel["seal"];
  readonly #open: Kernel["open"];
  /** Eight words, little endian. */
  readonly #words: Int32Array;

  constructor({ seal, open }: Kernel, key: Uint8Array) {
    this.#seal = seal;
    this.#open = open;
    this.#words = new Int32Array(key.slice().buffer);
  }

  seal(counter: number, source: number, length: number, target: number): void {
    const [words, high] = [this.#words, counter / 2 ** 32];
    const [k0, k1, k2, k3] = [words[0]!, words[1]!, words[2]!, words[3]!];
    const [k4, k5, k6, k7] = [words[4]!, words[5]!, words[6]!, words[7]!];
    this.#seal(k0, k1, k2, k3, k4, k5, k6, k7, counter, high, source, length, target);
  }

  open(counter: number, source: number, length: number, target: number): boolean {
    const content = length - TAG_BYTES;
    if (content < 0) return false;
    const [words, high] = [this.#words, counter / 2 ** 32];
    const [k0, k1, k2, k3] = [words[0]!, words[1]!, words[2]!, words[3]!];
    const [k4, k5, k6, k7] = [words[4]!, words[5]!, words[6]!, words[7]!];
    return this.#open(k0, k1, k2, k3, k4, k5, k6, k7, counter, high, source, content, target) === 1;
  }

  destroy(): void {
    this.#words.fill(0);
  }
}
