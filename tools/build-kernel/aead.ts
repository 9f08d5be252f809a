import {
  chachaLocals,
  doubleRound,
  finish as finishBlocks,
  loadMasks,
  rows,
  start as startBlocks,
} from "./chacha20.ts";
import { block, finish as finishTag, polyLocals, start as startTag } from "./poly1305.ts";
import { type Code, get, grow, i32, i64, interleave, loopWhile, minus, op, plus, set, when } from "./wat.ts";

/**
 * ChaCha20-Poly1305 (RFC 8439, 2.8) with empty associated data, in one pass: while four ChaCha20 blocks are worked out in
 * vectors, Poly1305 runs over earlier ciphertext in 64-bit registers.
 *
 *   seal(k0..k7, n0, n1, source, length, target)           writes length + 16 bytes
 *   open(k0..k7, n0, n1, source, length, target) -> i32    length without the tag, which follows; 1 when it is right
 *
 * `source` and `target` may be one, or must not overlap. At the global `scratch` lie 512 bytes for the kernel.
 */
const CHUNK = 256;
/** Of the first four blocks one is Poly1305's key. */
const FIRST = 192;
const parameters = [...Array.from({ length: 8 }, (_, at) => `k${at}`), "n0", "n1", "source", "length", "target"];
const scratch = op("global.get", "$scratch");
const tail = plus(scratch, i32(CHUNK));

const counters: Readonly<Record<string, readonly string[]>> = {
  i32: ["block", "at", "end", "mac", "pairs", "count", "index"],
};

export function sealFunction(): Code {
  return aeadFunction("seal", "", [
    set("mac", get("target")),
    ...firstBlocks(),
    ...applyScratch(),
    ...eachChunk(set("pairs", op("i32.shr_u", minus(get("target"), get("mac")), i32(5))), [], []),
    ...macUntil(get("target")),
    ...tag(),
    op("i64.store", get("target"), get("m0")),
    op("i64.store offset=8", get("target"), get("m1")),
  ]);
}

export function openFunction(): Code {
  const wrong = op(
    "i64.or",
    op("i64.xor", get("m0"), op("i64.load", get("source"))),
    op("i64.xor", get("m1"), op("i64.load offset=8", get("source"))),
  );
  // Poly1305 reads the ciphertext before the plaintext may take its place.
  return aeadFunction("open", "(result i32)", [
    set("mac", get("source")),
    ...firstBlocks(),
    ...macUntil(plus(get("source"), get("count"))),
    ...applyScratch(),
    ...eachChunk(
      set("pairs", op("i32.shr_u", get("count"), i32(5))),
      [set("mac", get("source"))],
      macUntil(plus(get("source"), get("count"))),
    ),
    ...tag(),
    op("i64.eqz", wrong),
  ]);
}

function aeadFunction(name: string, result: Code, body: readonly Code[]): Code {
  const locals = [chachaLocals, polyLocals, counters].flatMap((types) =>
    Object.entries(types).flatMap(([type, list]) => list.map((local) => op("local", `$${local}`, type)))
  );
  const params = parameters.map((local) => op("param", `$${local}`, "i32"));
  return op("func", `(export "${name}")`, ...params, result, ...locals, set("end", get("length")), ...body);
}

/** The one-time key, and key stream for the first `count` bytes in the scratch. `end` counts down what is left. */
function firstBlocks(): Code[] {
  return [
    ...loadMasks(),
    set("pairs", i32(0)),
    ...fourBlocks(),
    ...rows((number, offset, row) => {
      if (number > 0) return [op("v128.store", plus(scratch, i32((number - 1) * 64 + offset)), row)];
      if (offset >= 32) return [];
      const [lower, upper] = offset === 0 ? ["m0", "m1"] : ["pad0", "pad1"];
      return [
        op("v128.store", tail, row),
        set(lower!, op("i64.load", tail)),
        set(upper!, op("i64.load offset=8", tail)),
      ];
    }),
    ...startTag(),
    ...countUpTo(FIRST),
  ];
}

/** The rest, up to 256 bytes at a time. `beforeLast` runs before the last and partial chunk changes any byte. */
function eachChunk(pairs: Code, beforeEach: readonly Code[], beforeLast: readonly Code[]): Code[] {
  const whole = op("i32.eq", get("count"), i32(CHUNK));
  return [
    loopWhile(
      get("end"),
      ...countUpTo(CHUNK),
      ...beforeEach,
      pairs,
      ...fourBlocks(),
      op(
        "if",
        whole,
        op("then", ...rows(applyRow), ...advance(i32(CHUNK))),
        op(
          "else",
          ...rows((number, offset, row) => [op("v128.store", plus(scratch, i32(number * 64 + offset)), row)]),
          ...beforeLast,
          ...applyScratch(),
        ),
      ),
    ),
  ];
}

function countUpTo(most: number): Code[] {
  const less = op("i32.lt_u", get("end"), i32(most));
  return [set("count", op("select", get("end"), i32(most), less))];
}

/** Four blocks of key stream in the state; Poly1305 takes `pairs` times two blocks at `mac` meanwhile. */
function fourBlocks(): Code[] {
  const twoMacs = [0, 16].flatMap((offset) => macBlock(get("mac"), offset));
  return [
    ...startBlocks(),
    set("index", get("pairs")),
    loopWhile(
      get("index"),
      ...interleave(doubleRound(), twoMacs),
      grow("mac", i32(32)),
      grow("index", i32(-1)),
    ),
    set("index", minus(i32(10), get("pairs"))),
    loopWhile(get("index"), ...doubleRound(), grow("index", i32(-1))),
    ...finishBlocks(),
    grow("block", i32(4)),
  ];
}

function applyRow(number: number, offset: number, row: Code): Code[] {
  const place = number * 64 + offset;
  const plain = op(`v128.load offset=${place}`, get("source"));
  return [op(`v128.store offset=${place}`, get("target"), op("v128.xor", plain, row))];
}

/** XORs `count` bytes with the key stream in the scratch. */
function applyScratch(): Code[] {
  const at = (base: Code) => plus(base, get("index"));
  const merged = (width: string, load: string) =>
    op(`${width}.xor`, op(load, at(get("source"))), op(load, at(scratch)));
  return [
    set("index", i32(0)),
    loopWhile(
      op("i32.le_u", plus(get("index"), i32(16)), get("count")),
      op("v128.store", at(get("target")), merged("v128", "v128.load")),
      grow("index", i32(16)),
    ),
    loopWhile(
      op("i32.lt_u", get("index"), get("count")),
      op("i32.store8", at(get("target")), merged("i32", "i32.load8_u")),
      grow("index", i32(1)),
    ),
    ...advance(get("count")),
  ];
}

function advance(by: Code): Code[] {
  return [grow("source", by), grow("target", by), set("end", minus(get("end"), by))];
}

function macBlock(at: Code, offset: number): Code[] {
  return block(op(`i64.load offset=${offset}`, at), op(`i64.load offset=${offset + 8}`, at));
}

/** Poly1305 over everything from `mac` to `until`, zeroes behind a partial block. */
function macUntil(until: Code): Code[] {
  const left = minus(until, get("mac"));
  return [
    loopWhile(op("i32.ge_u", left, i32(16)), ...macBlock(get("mac"), 0), grow("mac", i32(16))),
    when(
      left,
      op("v128.store", tail, "(v128.const i64x2 0 0)"),
      set("index", i32(0)),
      loopWhile(
        left,
        op("i32.store8", plus(tail, get("index")), op("i32.load8_u", get("mac"))),
        grow("mac", i32(1)),
        grow("index", i32(1)),
      ),
      ...macBlock(tail, 0),
    ),
  ];
}

/** The block of lengths, and the end. */
function tag(): Code[] {
  return [...block(i64(0), op("i64.extend_i32_u", get("length"))), ...finishTag()];
}
