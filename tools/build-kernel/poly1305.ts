import { type Code, get, i64, op, set } from "./wat.ts";

/** Poly1305 (RFC 8439, 2.5) with limbs of 26 bits in 64-bit locals: products of five stay below 2^58. */

const LIMBS = [0, 1, 2, 3, 4] as const;
const names = (letter: string) => LIMBS.map((at) => `${letter}${at}`);
export const polyLocals: Readonly<Record<string, readonly string[]>> = {
  i64: [...names("h"), ...names("r"), ...names("s"), ...names("d"), "m0", "m1", "carry", "pad0", "pad1"],
};

const MASK = i64(0x3ffffff);
const BITS = i64(26);
const add = (...terms: readonly Code[]): Code => terms.reduce((sum, term) => op("i64.add", sum, term));
const times = (a: string, b: string): Code => op("i64.mul", get(a), get(b));
const low = (value: Code): Code => op("i64.and", value, MASK);
const right = (value: Code, bits: number): Code => op("i64.shr_u", value, i64(bits));
const left = (value: Code, bits: number): Code => op("i64.shl", value, i64(bits));
const or = (a: Code, b: Code): Code => op("i64.or", a, b);

/** Five limbs of a 128-bit number in two 64-bit locals. */
function limbs(lowHalf: string, highHalf: string): Code[] {
  return [
    low(get(lowHalf)),
    low(right(get(lowHalf), 26)),
    low(or(right(get(lowHalf), 52), left(get(highHalf), 12))),
    low(right(get(highHalf), 14)),
    right(get(highHalf), 40),
  ];
}

/** Takes `r` from m0 and m1, clamps it, and clears the sum. */
export function start(): Code[] {
  return [
    set("m0", op("i64.and", get("m0"), i64(0x0ffffffc0fffffffn))),
    set("m1", op("i64.and", get("m1"), i64(0x0ffffffc0ffffffcn))),
    ...limbs("m0", "m1").map((limb, at) => set(`r${at}`, limb)),
    ...LIMBS.map((at) => set(`s${at}`, op("i64.mul", get(`r${at}`), i64(5)))),
    ...LIMBS.map((at) => set(`h${at}`, i64(0))),
  ];
}

/** One block of 16 bytes, given as two numbers. */
export function block(lowHalf: Code, highHalf: Code): Code[] {
  const words = limbs("m0", "m1");
  words[4] = or(words[4]!, i64(1 << 24));
  return [
    set("m0", lowHalf),
    set("m1", highHalf),
    ...LIMBS.map((at) => set(`h${at}`, add(get(`h${at}`), words[at]!))),
    ...LIMBS.map((at) =>
      set(`d${at}`, add(...LIMBS.map((limb) => times(`h${limb}`, limb <= at ? `r${at - limb}` : `s${5 + at - limb}`))))
    ),
    // Two chains of carries side by side, so that neither waits for the whole length.
    ...carry("d0", "d1"),
    ...carry("d3", "d4"),
    ...carry("d1", "d2"),
    ...carryAround("d4", "d0"),
    ...carry("d2", "d3"),
    ...carry("d0", "d1"),
    ...carry("d3", "d4"),
    ...LIMBS.map((at) => set(`h${at}`, get(`d${at}`))),
  ];
}

/** The tag: its halves in m0 and m1. `pad0` and `pad1` hold the second half of the one-time key. */
export function finish(): Code[] {
  return [
    ...carry("h1", "h2"),
    ...carry("h2", "h3"),
    ...carry("h3", "h4"),
    ...carryAround("h4", "h0"),
    ...carry("h0", "h1"),
    // d = h - p: taken in place of h when it is not negative.
    set("d0", add(get("h0"), i64(5))),
    ...LIMBS.slice(1).map((at) => set(`d${at}`, get(`h${at}`))),
    ...carry("d0", "d1"),
    ...carry("d1", "d2"),
    ...carry("d2", "d3"),
    ...carry("d3", "d4"),
    set("d4", op("i64.sub", get("d4"), i64(1 << 26))),
    set("carry", op("i64.shr_s", get("d4"), i64(63))),
    ...LIMBS.map((at) =>
      set(`h${at}`, op("i64.xor", get(`d${at}`), op("i64.and", get("carry"), xor(`d${at}`, `h${at}`))))
    ),
    set("m0", add(or(get("h0"), or(left(get("h1"), 26), left(get("h2"), 52))), get("pad0"))),
    set("m1", add(or(right(get("h2"), 12), or(left(get("h3"), 14), left(get("h4"), 40))), get("pad1"))),
    set("m1", add(get("m1"), op("i64.extend_i32_u", op("i64.lt_u", get("m0"), get("pad0"))))),
  ];
}

function xor(a: string, b: string): Code {
  return op("i64.xor", get(a), get(b));
}

function carry(from: string, to: string): Code[] {
  return [set(to, add(get(to), op("i64.shr_u", get(from), BITS))), set(from, low(get(from)))];
}

/** 2^130 is 5 in this arithmetic. */
function carryAround(from: string, to: string): Code[] {
  const times5 = op("i64.mul", op("i64.shr_u", get(from), BITS), i64(5));
  return [set(to, add(get(to), times5)), set(from, low(get(from)))];
}
