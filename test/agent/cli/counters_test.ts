import assert from "node:assert/strict";
import { metrics } from "../support/metrics.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
import { Terminal } from "./support/terminal.ts";

Deno.test("ztna metrics print, ztna metrics write and ztna debug metrics show what the agent counts", async () => {
  using terminal = new Terminal();
  await using _ = startAgent(terminal.directory, { metrics: () => metrics });
  const file = terminal.path("ztna.prom");
  const commands = [
    "ztna metrics print",
    `ztna metrics write ${file}`,
    "ztna debug metrics",
    "ztna debug metrics --json",
  ];
  assertGolden("metrics", await terminal.session(commands));
  assert.equal(Deno.readTextFileSync(file), (await terminal.ztna("metrics", "print")).out);
  assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o644);
});

Deno.test("ztna ping says of each probe how long, how or why not, and fails when none came back", async () => {
  using terminal = new Terminal();
  const reply = (ms: number, via: "direct" | "relayed") => (
    { outcome: "reply" as const, ms, via, tailnet_ip: "100.64.0.1" }
  );
  const lost = { outcome: "timeout" as const, ms: 0, via: "tunnel" as const, tailnet_ip: "100.64.0.1" };
  const gone = { ...lost, outcome: "unreachable" as const };
  const outcomes = [reply(145.4, "relayed"), reply(12.3, "direct"), lost, gone, gone, reply(1, "direct")];
  await using _ = startAgent(terminal.directory, { ping: () => Promise.resolve(outcomes.shift()!) });
  assertGolden(
    "ping",
    await terminal.session([
      "ztna ping Win-A --count 1",
      "ztna ping Win-A --count 1",
      "ztna ping Win-A --count 2 --timeout 250ms",
      "ztna ping Win-A --count 1 --json",
      "ztna ping Win-A -c 1 --json",
    ]),
  );
});
