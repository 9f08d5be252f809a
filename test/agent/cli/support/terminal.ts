import { runCli } from "../../../../agent/cli/cli.ts";
import { agent } from "../../../../agent/wiring.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A person at a terminal of a machine of its own: one configuration directory, and the program run in this process. */
export class Terminal {
  readonly #directory = temporaryDirectory();
  readonly #before = new Map<string, string | undefined>();

  constructor(environment: Readonly<Record<string, string>> = {}) {
    const all = { ZTNA_API_URL: "", ZTNA_AUTH_KEY: "", QUICKZTNA_CONFIG_DIR: this.directory, ...environment };
    for (const [name, value] of Object.entries(all)) {
      this.#before.set(name, Deno.env.get(name));
      Deno.env.set(name, value);
    }
  }

  get directory(): string {
    return this.#directory.path;
  }

  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /** Writes a file of the configuration directory. */
  write(name: string, content: unknown): void {
    Deno.writeTextFileSync(this.path(name), typeof content === "string" ? content : JSON.stringify(content));
  }

  readJson(name: string) {
    return JSON.parse(Deno.readTextFileSync(this.path(name)));
  }

  /** Runs `ztna` with arguments and gathers what it prints. */
  async ztna(...args: string[]): Promise<Ended> {
    const out = capture(Deno.stdout);
    // The completion library prints by the console.
    const { log } = console;
    console.log = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
    const err = capture(Deno.stderr);
    try {
      const code = await runCli(args, agent);
      return { code, out: out.text(), err: err.text() };
    } finally {
      console.log = log;
      out.restore();
      err.restore();
    }
  }

  /** Command lines with all they print, as a person sees them; places and ports of this run are named instead. */
  async session(commands: readonly string[], names: Readonly<Record<string, string>> = {}): Promise<string> {
    const shown: string[] = [];
    for (const command of commands) {
      const { code, out, err } = await this.ztna(...command.split(" ").slice(1));
      const errors = err.split("\n").filter((line) => line !== "").map((line) => `stderr: ${line}\n`).join("");
      shown.push(`$ ${command}\n${out}${errors}${code === 0 ? "" : `exit ${code}\n`}`);
    }
    let text = shown.join("\n");
    for (const [name, value] of Object.entries({ "<directory>": this.directory, ...names })) {
      text = text.replaceAll(value, name);
    }
    return text;
  }

  [Symbol.dispose](): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    this.#directory[Symbol.dispose]();
  }
}

function capture(stream: { writeSync(bytes: Uint8Array): number }) {
  const write = stream.writeSync;
  let bytes = new Uint8Array();
  stream.writeSync = (more) => {
    bytes = Uint8Array.from([...bytes, ...more]);
    return more.length;
  };
  return {
    text: () => new TextDecoder().decode(bytes),
    restore: () => {
      stream.writeSync = write;
    },
  };
}
