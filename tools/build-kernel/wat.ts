/** Expressions and statements of WebAssembly's text format; what has no name here is written with `op`. */
export type Code = string;

export const op = (name: string, ...args: readonly (Code | number)[]): Code => `(${[name, ...args].join(" ")})`;
export const get = (local: string): Code => op("local.get", `$${local}`);
export const set = (local: string, value: Code): Code => op("local.set", `$${local}`, value);
export const i32 = (value: number): Code => op("i32.const", value);
export const i64 = (value: number | bigint): Code => op("i64.const", String(value));
export const plus = (a: Code, b: Code): Code => op("i32.add", a, b);
export const minus = (a: Code, b: Code): Code => op("i32.sub", a, b);
export const grow = (local: string, by: Code): Code => set(local, plus(get(local), by));
export const when = (condition: Code, ...then: readonly Code[]): Code => op("if", condition, op("then", ...then));

let labels = 0;

/** `while (condition) body`. */
export function loopWhile(condition: Code, ...body: readonly Code[]): Code {
  const label = `$again${labels++}`;
  return op("if", condition, op("then", op("loop", label, ...body, op("br_if", label, condition))));
}

/** Deals two runs of statements into one another, evenly: they use different parts of the processor. */
export function interleave(longer: readonly Code[], shorter: readonly Code[]): Code[] {
  const mixed: Code[] = [];
  let dealt = 0;
  for (const [at, statement] of longer.entries()) {
    mixed.push(statement);
    const due = Math.floor(((at + 1) * shorter.length) / longer.length);
    mixed.push(...shorter.slice(dealt, due));
    dealt = due;
  }
  return mixed;
}
