import { Failure } from "./failure.ts";
import { print } from "./output.ts";

const BACKSPACE = ["\b", "\x7f"];
const END_OF_INPUT = "\x04";
const INTERRUPT = "\x03";
/** Arrow keys and the marks around pasted text: there is nothing here to steer. */
// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?/g;

/** Questions to the person at the terminal; Ctrl+C ends the program. */
export class Prompt {
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(256);
  /** What came together with Enter: the next answer, typed ahead or pasted. */
  #ahead = "";

  askLine(question: string): Promise<string> {
    return this.#ask(question, (key) => key);
  }

  /** For a secret, which shows as stars. */
  askSecret(question: string): Promise<string> {
    return this.#ask(question, () => "*");
  }

  /** Raw mode for both, and before the question: what is typed at once must not show by itself. */
  async #ask(question: string, show: (key: string) => string): Promise<string> {
    Deno.stdin.setRaw(true);
    try {
      write(question);
      return await this.#readAnswer(show);
    } finally {
      Deno.stdin.setRaw(false);
      print("");
    }
  }

  async #readAnswer(show: (key: string) => string): Promise<string> {
    let typed: string[] = [];
    for (;;) {
      const keys = await this.#readKeys();
      if (keys === undefined) return typed.join("");
      for (const [index, key] of keys.entries()) {
        if (key === INTERRUPT) throw new Failure("", 130);
        if (key === "\r" || key === "\n" || key === END_OF_INPUT) {
          this.#ahead = keys.slice(index + 1).join("");
          return typed.join("");
        }
        if (BACKSPACE.includes(key)) {
          if (typed.length > 0) write("\b \b");
          typed = typed.slice(0, -1);
        } else if (key >= " ") {
          typed.push(key);
          write(show(key));
        }
      }
    }
  }

  /** Undefined when the terminal is gone. */
  async #readKeys(): Promise<string[] | undefined> {
    const ahead = this.#ahead;
    this.#ahead = "";
    if (ahead !== "") return [...ahead];
    const count = await Deno.stdin.read(this.#buffer);
    if (count === null) return undefined;
    return [...this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true }).replaceAll(ESCAPES, "")];
  }
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
