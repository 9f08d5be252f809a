import { type ChildProcess, spawn } from "node:child_process";

/** A program that runs beside the test; what it has printed so far is kept. */
export class Background {
  readonly #child: ChildProcess;
  readonly exited: Promise<number>;
  stdout = "";
  stderr = "";

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout!.on("data", (chunk) => (this.stdout += chunk));
    this.#child.stderr!.on("data", (chunk) => (this.stderr += chunk));
    this.exited = new Promise((settle) => {
      this.#child.on("error", (error) => (this.stderr += error.message));
      this.#child.on("close", (code, signal) => settle(code ?? (signal === "SIGINT" ? 130 : 128)));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) this.#child.kill(name);
  }

  /** Asks the program to end and waits for it; insists after `patienceMs`. */
  async stop(name: NodeJS.Signals = "SIGINT", patienceMs = 8000): Promise<number> {
    this.signal(name);
    const timer = setTimeout(() => this.signal("SIGKILL"), patienceMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Waits until standard output holds the text; throws with all output when the program ends or time is up. */
  async prints(text: string | RegExp, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(typeof text === "string" ? this.stdout.includes(text) : text.test(this.stdout))) {
      if (!this.running) throw new Error(`It ended before it printed ${text}:\n${this.stdout}${this.stderr}`);
      if (Date.now() > deadline) throw new Error(`It did not print ${text}:\n${this.stdout}${this.stderr}`);
      await new Promise((settle) => setTimeout(settle, 50));
    }
  }
}
