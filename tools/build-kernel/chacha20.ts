import { type Code, get, op, set } from "./wat.ts";

/** ChaCha20 (RFC 8439, 2.3) of four blocks at once: each of sixteen vectors holds one word of all four. */

export const state = Array.from({ length: 16 }, (_, index) => `v${index}`);
const temporary = ["t0", "t1", "t2", "t3"];
export const chachaLocals: Readonly<Record<string, readonly string[]>> = {
  v128: [...state, ...temporary, "turn16", "turn8"],
};

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

/** Words of the key are the locals k0 to k7, of the nonce n0 and n1; `block` is the first of the four block numbers. */
function initial(index: number): Code {
  if (index < 4) return splat(op("i32.const", SIGMA[index]!));
  if (index < 12) return splat(get(`k${index - 4}`));
  if (index === 12) return op("i32x4.add", splat(get("block")), "(v128.const i32x4 0 1 2 3)");
  return index === 13 ? splat(op("i32.const", 0)) : splat(get(`n${index - 14}`));
}

/** To be done once, before the first rounds. */
export function loadMasks(): Code[] {
  return [
    set("turn16", "(v128.const i8x16 2 3 0 1 6 7 4 5 10 11 8 9 14 15 12 13)"),
    set("turn8", "(v128.const i8x16 3 0 1 2 7 4 5 6 11 8 9 10 15 12 13 14)"),
  ];
}

export function start(): Code[] {
  return state.map((word, index) => set(word, initial(index)));
}

/** Adds the state that the rounds started from. */
export function finish(): Code[] {
  return state.map((word, index) => set(word, op("i32x4.add", get(word), initial(index))));
}

export function doubleRound(): Code[] {
  const columns = [0, 1, 2, 3].map((at) => quarterRound(at, at + 4, at + 8, at + 12));
  const diagonals = [0, 1, 2, 3].map((at) =>
    quarterRound(at, 4 + ((at + 1) % 4), 8 + ((at + 2) % 4), 12 + ((at + 3) % 4))
  );
  return [...inStep(columns), ...inStep(diagonals)];
}

/**
 * Turns words of four blocks into rows: `store` gets 16 bytes of the block it names, at the offset it names. The state is
 * spent.
 */
export function rows(store: (block: number, offset: number, row: Code) => Code[]): Code[] {
  return [0, 4, 8, 12].flatMap((first) => {
    const [a, b, c, d] = state.slice(first, first + 4).map(get) as [Code, Code, Code, Code];
    const [t0, t1, t2, t3] = temporary.map(get) as [Code, Code, Code, Code];
    return [
      set("t0", shuffle(a, b, LOW_WORDS)),
      set("t1", shuffle(a, b, HIGH_WORDS)),
      set("t2", shuffle(c, d, LOW_WORDS)),
      set("t3", shuffle(c, d, HIGH_WORDS)),
      ...store(0, first * 4, shuffle(t0, t2, LOW_HALVES)),
      ...store(1, first * 4, shuffle(t0, t2, HIGH_HALVES)),
      ...store(2, first * 4, shuffle(t1, t3, LOW_HALVES)),
      ...store(3, first * 4, shuffle(t1, t3, HIGH_HALVES)),
    ];
  });
}

function quarterRound(a: number, b: number, c: number, d: number): Code[] {
  const half = (to: number, from: number, turned: number, bits: number): Code[] => [
    set(`v${to}`, op("i32x4.add", get(`v${to}`), get(`v${from}`))),
    set(`v${turned}`, op("v128.xor", get(`v${turned}`), get(`v${to}`))),
    set(`v${turned}`, rotate(get(`v${turned}`), bits)),
  ];
  return [...half(a, b, d, 16), ...half(c, d, b, 12), ...half(a, b, d, 8), ...half(c, d, b, 7)];
}

/**
 * Whole bytes move by one instruction whose mask stays in a register: a shuffle would load its mask each time, and a
 * swizzle that is not relaxed would check it. All its indices are in range, so that it gives one result everywhere.
 */
function rotate(value: Code, bits: number): Code {
  if (bits === 16 || bits === 8) return op("i8x16.relaxed_swizzle", value, get(`turn${bits}`));
  const left = op("i32x4.shl", value, op("i32.const", bits));
  return op("v128.or", left, op("i32x4.shr_u", value, op("i32.const", 32 - bits)));
}

const LOW_WORDS = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_WORDS = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALVES = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];

function shuffle(a: Code, b: Code, lanes: readonly number[]): Code {
  return op("i8x16.shuffle", ...lanes, a, b);
}

/** First statement of each, then second of each: four independent chains. */
function inStep(chains: readonly Code[][]): Code[] {
  return chains[0]!.flatMap((_, step) => chains.map((chain) => chain[step]!));
}

function splat(word: Code): Code {
  return op("i32x4.splat", word);
}
