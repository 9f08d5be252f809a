import type { EngineArena } from "../engine.ts";
import { KERNEL_BASE64 } from "./kernel-wasm.ts";

type EightWords = [number, number, number, number, number, number, number, number];

/** Words of the key and of the counter, then source, length without the tag, and target as offsets in the arena. */
export type AeadArguments = [
  ...key: EightWords,
  n0: number,
  n1: number,
  source: number,
  length: number,
  target: number,
];

/** Our WebAssembly with SIMD (tools/build-kernel), working in an arena. */
export interface Kernel {
  seal(...args: AeadArguments): void;
  /** 1 when the tag is right. */
  open(...args: AeadArguments): number;
  /** The Internet checksum's sum; see `Sum` in agent/dataplane/arena.ts. */
  sum(offset: number, length: number, initial: number): number;
}

/** What the kernel needs for itself, behind the scratch of the other engines. */
const SCRATCH = 1024;

/** Undefined where the processor or the runtime has no SIMD. */
export function loadKernel({ memory, engine }: EngineArena): Kernel | undefined {
  try {
    const module = new WebAssembly.Module(Uint8Array.fromBase64(KERNEL_BASE64));
    const { exports } = new WebAssembly.Instance(module, { arena: { memory, scratch: engine.offset + SCRATCH } });
    return exports as unknown as Kernel;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}
