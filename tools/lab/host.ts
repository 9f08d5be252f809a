import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Fetch } from "#protocol/api/call.ts";
import { Background } from "./background.ts";

const root = resolve(import.meta.dirname, "../..");

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One machine of a test network: a network namespace, a host name of its own and a home folder of its own. */
export class Host {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly home: string;
  /** What this machine's shell has exported. */
  readonly environment: Record<string, string> = {};

  constructor(namespace: string, name: string, address: string) {
    this.namespace = namespace;
    this.name = name;
    this.address = address;
    this.home = mkdtempSync(join(tmpdir(), `${namespace}-`));
  }

  /** Runs a program to its end. */
  run(command: string, args: readonly string[] = [], timeoutMs = 30_000): Promise<Output> {
    const [program, ...rest] = this.#wrap(command, args);
    return new Promise((settle) => {
      const child = spawn(program!, rest, { env: this.#env(), timeout: timeoutMs, stdio: ["ignore", "pipe", "pipe"] });
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk) => (stdout += chunk));
      child.stderr.on("data", (chunk) => (stderr += chunk));
      child.on("close", (code) => settle({ code: code ?? 128, stdout, stderr }));
    });
  }

  /** Runs a line of shell, as the guide's steps are written. */
  shell(line: string, timeoutMs?: number): Promise<Output> {
    return this.run("bash", ["-c", line], timeoutMs);
  }

  start(command: string, args: readonly string[] = []): Background {
    const [program, ...rest] = this.#wrap(command, args);
    return new Background(program!, rest, this.#env());
  }

  /** HTTP from this machine. */
  readonly fetch: Fetch = async (url, { method = "GET", headers, body }) => {
    const args = ["-s", "-S", "-i", "-X", method, "--max-time", "20"];
    for (const [name, value] of Object.entries(headers ?? {})) args.push("-H", `${name}: ${value}`);
    if (typeof body === "string") args.push("--data-raw", body);
    const { code, stdout, stderr } = await this.run("curl", [...args, url]);
    if (code !== 0) throw new TypeError(stderr.trim());
    return parseResponse(stdout);
  };

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  #wrap(command: string, args: readonly string[]): string[] {
    if (this instanceof Loopback) return [command, ...args];
    const named = ["unshare", "--uts", "sh", "-c", `hostname "$0"; exec "$@"`, this.name];
    return ["ip", "netns", "exec", this.namespace, ...named, command, ...args];
  }

  #env(): NodeJS.ProcessEnv {
    const path = [join(root, "tools/launcher"), join(root, "node_modules/.bin"), process.env["PATH"]].join(":");
    const { TERM = "dumb", LANG = "C.UTF-8" } = process.env;
    return {
      PATH: path,
      TERM,
      LANG,
      HOME: this.home,
      DENO_DIR: join(root, "node_modules/.cache/deno"),
      NO_COLOR: "1",
      ...this.environment,
    };
  }
}

/** This very machine, for tests that need no network of their own. */
export class Loopback extends Host {
  constructor(name: string) {
    super(name, name, "127.0.0.1");
  }
}

function parseResponse(text: string): Response {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  headers.delete("content-encoding");
  const status = Number(statusLine.split(" ")[1]);
  return new Response(status === 204 ? null : rest.join("\r\n\r\n"), { status, headers });
}
