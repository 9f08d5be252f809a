import assert from "node:assert/strict";
import { peers, status } from "./support/acme.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
import { Terminal } from "./support/terminal.ts";

const main = new URL("../../../agent/main.ts", import.meta.url).pathname;

/** The program in a process of its own, whose standard input and output are pipes. */
async function ztna(terminal: Terminal, args: readonly string[], input: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--cached-only", "--no-prompt", "-A", main, ...args],
    env: { QUICKZTNA_CONFIG_DIR: terminal.directory },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("ztna ssh hands over to the system's ssh with the peer's address, and ends as that does", async () => {
  using terminal = new Terminal();
  await using _ = startAgent(terminal.directory, { status: () => status, peers: () => peers });
  terminal.write("ssh", '#!/bin/sh\necho "$@"\nexit 3\n');
  Deno.chmodSync(terminal.path("ssh"), 0o700);
  const path = Deno.env.get("PATH")!;
  try {
    Deno.env.set("PATH", `${terminal.directory}:${path}`);
    const { code, out } = await ztna(terminal, ["ssh", "root@win-a", "--", "uptime", "-p"], "");
    const expected = "Resolved Win-A -> 100.64.0.1\n-o StrictHostKeyChecking=accept-new root@100.64.0.1 uptime -p\n";
    assert.deepEqual({ code, out }, { code: 3, out: expected });
    Deno.env.set("PATH", "/nonexistent");
    assertGolden("ssh", await terminal.session(["ztna ssh Win-A", "ztna ssh nobody"]));
  } finally {
    Deno.env.set("PATH", path);
  }
});

Deno.test("ztna nc is a pipe to a port of a peer, to the end of both", async () => {
  using terminal = new Terminal();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const here = { ...peers[0]!, tailnet_ip: "127.0.0.1" };
  await using _ = startAgent(terminal.directory, { peers: () => [here] });
  const served = answerLoudly(listener);
  const ended = await ztna(terminal, ["nc", "Win-A", String(listener.addr.port)], "hello\n");
  assert.deepEqual(ended, { code: 0, out: "HELLO\n", err: "" });
  await served;
  const { code, err } = await terminal.ztna("nc", "Win-A", "1");
  assert.deepEqual([code, err], [
    1,
    "cannot connect to Win-A:1: nothing listens there. Run 'ztna ping Win-A' to look further\n",
  ]);
  assert.match((await terminal.ztna("nc", "Win-A", "99999")).err, /number from 1 to 65535/);
});

Deno.test("ztna debug derp names the relay and how each peer is reached", async () => {
  using terminal = new Terminal();
  const none = await terminal.session(["ztna debug derp"]);
  await using _ = startAgent(terminal.directory, { status: () => status, peers: () => peers });
  assertGolden("debug-derp", `${none}\n${await terminal.session(["ztna debug derp", "ztna debug derp --json"])}`);
});

Deno.test("ztna down does not end the SSH session it is typed in, unless ztna down --accept-risk lose-ssh says so", async () => {
  using terminal = new Terminal({ SSH_CONNECTION: `100.64.0.1 50022 ${status.machine!.tailnet_ip} 22` });
  startStoppable(terminal.directory);
  const refused = await terminal.ztna("down");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^this SSH session came through the VPN.*--accept-risk lose-ssh'\n$/);
  assert.match((await terminal.ztna("down", "--accept-risk", "lose-ssh")).out, /VPN stopped\.\n$/);
  startStoppable(terminal.directory);
  Deno.env.set("SSH_CONNECTION", "192.0.2.1 50022 192.0.2.7 22");
  assert.match((await terminal.ztna("down")).out, /VPN stopped\.\n$/);
});

function startStoppable(directory: string): void {
  const running = startAgent(directory, {
    status: () => status,
    down: () => {
      void running[Symbol.asyncDispose]();
      return Promise.resolve({ pid: Deno.pid, offline_reported: true });
    },
  });
}

/** Answers what one caller sends, to its last byte, in capitals. */
async function answerLoudly(listener: Deno.TcpListener): Promise<void> {
  using connection = await listener.accept();
  const buffer = new Uint8Array(1_000);
  let text = "";
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  await connection.write(new TextEncoder().encode(text.toUpperCase()));
}
