import { type Code, get, grow, i32, i64, loopWhile, op, plus, set, when } from "./wat.ts";

/**
 * The Internet checksum (RFC 1071): sum(at, length, initial) is the one's complement sum of `initial` and big-endian 16-bit
 * words, folded, not inverted; an odd last byte is the high half of a word. Lengths below 512 KiB: lanes of 32 bits cannot
 * overflow.
 */
export function sumFunction(): Code {
  const lanes = [0, 1, 2, 3].map((lane) => op(`i32x4.extract_lane ${lane}`, get("lanes")));
  const low = op("i64.and", get("total"), i64(0xffff));
  const fold = Array.from({ length: 3 }, () => add("total", low, op("i64.shr_u", get("total"), i64(16))));
  // The words were read in the machine's order, which only turns the sum around.
  const turned = op(
    "i64.or",
    op("i64.shl", op("i64.and", get("total"), i64(0xff)), i64(8)),
    op("i64.shr_u", get("total"), i64(8)),
  );
  return op(
    "func",
    '(export "sum") (param $at i32) (param $length i32) (param $initial i32) (result i32)',
    "(local $lanes v128) (local $total i64) (local $end i32)",
    set("end", plus(get("at"), get("length"))),
    loopWhile(
      op("i32.le_u", plus(get("at"), i32(16)), get("end")),
      set("lanes", op("i32x4.add", get("lanes"), op("i32x4.extadd_pairwise_i16x8_u", op("v128.load", get("at"))))),
      grow("at", i32(16)),
    ),
    ...lanes.map(addWord),
    loopWhile(
      op("i32.le_u", plus(get("at"), i32(2)), get("end")),
      addWord(op("i32.load16_u", get("at"))),
      grow("at", i32(2)),
    ),
    when(op("i32.lt_u", get("at"), get("end")), addWord(op("i32.load8_u", get("at")))),
    ...fold,
    add("total", turned, op("i64.extend_i32_u", get("initial"))),
    ...fold,
    op("i32.wrap_i64", get("total")),
  );
}

function addWord(word: Code): Code {
  return add("total", get("total"), op("i64.extend_i32_u", word));
}

function add(to: string, a: Code, b: Code): Code {
  return set(to, op("i64.add", a, b));
}
