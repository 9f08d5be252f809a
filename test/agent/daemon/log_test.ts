import assert from "node:assert/strict";
import { LogFile } from "../../../agent/daemon/log.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clock = () => new Date("2026-01-02T03:04:05.678Z");
const linesOf = (path: string) => Deno.readTextFileSync(path).trimEnd().split("\n");

Deno.test("a log line is one JSON object with time, level and event", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/ztna.log`;
  const log = new LogFile({ path, level: "info", clock });
  log.write("info", "peer.connected", { peer: "a\nb", ms: 3 });
  log.write("debug", "packet.seen");
  log.close();
  assert.deepEqual(linesOf(path), [
    '{"time":"2026-01-02T03:04:05.678Z","level":"info","event":"peer.connected","peer":"a\\nb","ms":3}',
  ]);
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
});

Deno.test("a log is turned over by size and keeps two older files, losing no line of them", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/ztna.log`;
  const log = new LogFile({ path, level: "info", maxBytes: 300, clock });
  for (let i = 0; i < 14; i++) log.write("info", "line", { i });
  log.close();
  const files = [`${path}.2`, `${path}.1`, path];
  assert.deepEqual([...Deno.readDirSync(directory.path)].length, 3);
  for (const file of files) assert.ok(Deno.statSync(file).size <= 300);
  const numbers = files.flatMap(linesOf).map((line) => JSON.parse(line).i as number);
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, i) => 14 - numbers.length + i));
});

Deno.test("a log goes on where the last agent stopped", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/ztna.log`;
  for (const run of [1, 2]) {
    const log = new LogFile({ path, level: "info", clock });
    log.write("info", "agent.started", { run });
    log.close();
  }
  assert.equal(linesOf(path).length, 2);
});

Deno.test("a log that cannot be written stops nobody", () => {
  const log = new LogFile({ path: "/nowhere/at/all/ztna.log", level: "debug" });
  log.write("error", "disk.full");
  log.close();
});
