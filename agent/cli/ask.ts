import { Failure } from "./failure.ts";
import { print } from "./output.ts";

const BACKSPACE = ["\b", "\x7f"];
const END_OF_INPUT = "\x04";
const INTERRUPT = "\x03";
/** Arrow keys and the marks around pasted text: there is nothing here to steer. */
// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?/g;

/** Asks at the terminal for a line; Ctrl+C ends the program. */
export function askLine(question: string): Promise<string> {
  return ask(question, (typed) => typed);
}

/** The same for a secret, which shows as stars. */
export function askSecret(question: string): Promise<string> {
  return ask(question, (typed) => "*".repeat([...typed].length));
}

/** Raw mode in both cases: what was typed ahead for the second question must not show while the first one is left. */
async function ask(question: string, show: (typed: string) => string): Promise<string> {
  write(question);
  Deno.stdin.setRaw(true);
  try {
    return await readTyped(show);
  } finally {
    Deno.stdin.setRaw(false);
    print("");
  }
}

/** What was typed after Enter came with it. */
let ahead = "";

async function readTyped(show: (typed: string) => string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(256);
  let typed = "";
  for (;;) {
    const keys = ahead === "" ? await readKeys(decoder, buffer) : ahead;
    ahead = "";
    if (keys === undefined) return typed;
    for (const [index, key] of [...keys].entries()) {
      if (key === INTERRUPT) throw new Failure("", 130);
      if (key === "\r" || key === "\n" || key === END_OF_INPUT) {
        ahead = [...keys].slice(index + 1).join("");
        return typed;
      }
      if (!BACKSPACE.includes(key)) {
        if (key < " ") continue;
        typed += key;
        write(show(key));
      } else if (typed !== "") {
        typed = [...typed].slice(0, -1).join("");
        write("\b \b");
      }
    }
  }
}

async function readKeys(decoder: TextDecoder, buffer: Uint8Array): Promise<string | undefined> {
  const count = await Deno.stdin.read(buffer);
  if (count === null) return undefined;
  return decoder.decode(buffer.subarray(0, count), { stream: true }).replaceAll(ESCAPES, "");
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
