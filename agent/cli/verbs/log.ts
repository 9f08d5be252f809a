import { InvalidArgumentError } from "@commander-js/extra-typings";
import { type AddVerb, examples, globalFlags } from "../command.ts";
import { print } from "../output.ts";

const LOOK_MS = 250;

export const addLog: AddVerb = (program, agent) => {
  program.command("log")
    .description("show the agent's log, one JSON object per line")
    .option("-f, --follow", "go on as new lines come")
    .option("-n, --lines <n>", "number of lines from the end", parseLines, 50)
    .option("--clear", "empty the log")
    .addHelpText("after", examples("ztna log -f", "ztna log -n 500 | jq 'select(.level == \"warn\")'"))
    .action(async ({ follow, lines, clear }, command) => {
      const path = await agent.logPath(globalFlags(command));
      if (clear === true) return clearLog(path);
      const size = printEnd(path, lines);
      if (follow === true) await followLog(path, size);
    });
};

function clearLog(path: string): void {
  try {
    Deno.truncateSync(path, 0);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  print("Log cleared.");
}

function printEnd(path: string, count: number): number {
  const bytes = readFrom(path, 0);
  if (bytes === undefined) {
    print(`No log yet (${path}).`);
    return 0;
  }
  const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  const last = lines.slice(Math.max(0, lines.length - count));
  if (last.length > 0) print(last.join("\n"));
  return bytes.length;
}

async function followLog(path: string, from: number): Promise<never> {
  for (let offset = from;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    // A smaller file is a new one: the old was turned over or cleared.
    if ((sizeOf(path) ?? 0) < offset) offset = 0;
    const bytes = readFrom(path, offset);
    const end = bytes?.lastIndexOf(10) ?? -1;
    if (bytes === undefined || end < 0) continue;
    print(new TextDecoder().decode(bytes.subarray(0, end)));
    offset += end + 1;
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch {
    return undefined;
  }
}

function readFrom(path: string, offset: number): Uint8Array | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
  try {
    const bytes = new Uint8Array(Math.max(0, file.statSync().size - offset));
    file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < bytes.length) {
      const read = file.readSync(bytes.subarray(filled));
      if (read === null) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  } finally {
    file.close();
  }
}

function parseLines(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError("It must be a whole number");
  return count;
}
