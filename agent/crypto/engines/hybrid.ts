import { type AeadEngine, type AeadKey, TAG_BYTES } from "../engine.ts";

/** One engine for packets of up to `limit` bytes of content and another for longer ones. */
export function hybridEngine(short: AeadEngine, long: AeadEngine, limit: number): AeadEngine {
  const name = `${long.name}, ${short.name} up to ${limit} bytes`;
  return { name, prepare: (key) => new HybridKey(short.prepare(key), long.prepare(key), limit) };
}

class HybridKey implements AeadKey {
  readonly #short: AeadKey;
  readonly #long: AeadKey;
  readonly #limit: number;

  constructor(short: AeadKey, long: AeadKey, limit: number) {
    this.#short = short;
    this.#long = long;
    this.#limit = limit;
  }

  seal(counter: number, source: number, length: number, target: number): void {
    if (length <= this.#limit) this.#short.seal(counter, source, length, target);
    else this.#long.seal(counter, source, length, target);
  }

  open(counter: number, source: number, length: number, target: number): boolean {
    return length - TAG_BYTES <= this.#limit
      ? this.#short.open(counter, source, length, target)
      : this.#long.open(counter, source, length, target);
  }

  destroy(): void {
    this.#short.destroy();
    this.#long.destroy();
  }
}
