import { existsSync, globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { bin, root } from "./process/environment.ts";
import { inTurn } from "./process/in-turn.ts";
import { run } from "./process/run.ts";

/**
 * The gate before a commit: form, house rules, types and the fast tests. Skips nothing it can find; `--static` asks for
 * form, rules and types alone.
 */
interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly remedy: string;
}

const started = performance.now();
const results = await inTurn(checks(), availableParallelism(), async (check) => {
  const [program, ...args] = check.command;
  const finished = await run(bin(program), args, { env: { NO_COLOR: "1" } });
  const mark = finished.code === 0 ? "ok  " : "FAIL";
  console.log(`${mark} ${check.name} (${(finished.ms / 1000).toFixed(1)} s)`);
  return { check, finished };
});

const failed = results.filter(({ finished }) => finished.code !== 0);
for (const { check, finished } of failed) {
  console.log(`\n--- ${check.name}\n${finished.output.trim()}\n=> ${check.remedy}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`\n${results.length - failed.length} ok, ${failed.length} failed in ${seconds} s`);
process.exitCode = failed.length === 0 ? 0 : 1;

function checks(): Check[] {
  return process.argv.includes("--static") ? staticChecks() : [...fastTests(), ...staticChecks()];
}

/** Longest first, so that all processors stay busy to the end. Types are a check of their own: a test has none done again. */
function fastTests(): Check[] {
  return [
    vitest("worker tests", "test/worker/vitest.config.ts"),
    {
      name: "agent tests",
      command: ["deno", "test", "-A", "--quiet", "--no-check", ...present("test/agent", "test/tools")],
      remedy: "Run: npx deno test -A test/agent",
    },
    vitest("pure tests", "test/pure/vitest.config.ts"),
  ];
}

function staticChecks(): Check[] {
  return [
    {
      name: "types of the agent (Deno)",
      command: [
        "deno",
        "check",
        "--quiet",
        ...present(
          "agent",
          "test/agent",
          "test/windows",
          "tools/lint",
          "tools/lab/handshake-flood.ts",
          "tools/lab/wg-agent.ts",
          "tools/cli-docs.ts",
          "tools/bench/handshake.ts",
          "tools/bench/aead.ts",
          "test/tools",
        ),
      ],
      remedy: "Mend the types above",
    },
    ...typeProjects().map((project) => ({
      name: `types of ${project}`,
      command: ["tsc", "-p", project] as [string, ...string[]],
      remedy: "Mend the types above",
    })),
    {
      name: "lint and house rules",
      command: ["deno", "lint", "--quiet"],
      remedy: "See docs/architecture.md, Import law",
    },
    { name: "format", command: ["deno", "fmt", "--check", "--quiet"], remedy: "Run: npx deno fmt" },
  ];
}

function vitest(name: string, config: string): Check {
  return { name, command: ["vitest", "run", "--config", config], remedy: `Run: npx vitest run --config ${config}` };
}

function typeProjects(): string[] {
  return globSync("{,dashboard/,tools/,test/*/}tsconfig.json", { cwd: root }).sort();
}

function present(...paths: string[]): string[] {
  return paths.filter((path) => existsSync(resolve(root, path)));
}
