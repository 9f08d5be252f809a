import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../process/run.ts";

export interface Load {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers outside 2xx, and connections that broke. */
  readonly errors: number;
}

const script = `
local bodies, next = {}, 0
function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
end
function request()
  next = next % #bodies + 1
  return wrk.format("POST", nil, { ["content-type"] = "application/json" }, bodies[next])
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
`;

/** Posts the bodies one after another over 32 connections from one thread. */
export async function load(url: string, bodies: readonly string[], seconds: number, folder: string): Promise<Load> {
  const [lua, lines] = [join(folder, "load.lua"), join(folder, "bodies.txt")];
  writeFileSync(lua, script);
  writeFileSync(lines, bodies.join("\n") + "\n", { mode: 0o600 });
  const args = ["-t1", "-c32", `-d${seconds}s`, "--timeout", "10s", "-s", lua, url, "--", lines];
  const { output } = await run("wrk", args);
  rmSync(lines);
  const result = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output);
  if (result === null) throw new Error(`wrk did not finish:\n${output.trim()}`);
  const [requests, microseconds, p50, p99, errors] = result.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { requestsPerSecond: requests / (microseconds / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, errors };
}
