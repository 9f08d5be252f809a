import assert from "node:assert/strict";
import { netMap } from "../support/net-map.ts";
import { linuxC, stateFile, winA } from "./support/acme.ts";
import { Terminal } from "./support/terminal.ts";

/** What a shell is offered, without the descriptions. */
async function offers(terminal: Terminal, ...words: string[]): Promise<string[]> {
  const { code, out } = await terminal.ztna("complete", "--", ...words);
  assert.equal(code, 0);
  return out.split("\n").filter((line) => line !== "" && !line.startsWith(":")).map((line) => line.split("\t")[0]!);
}

Deno.test("ztna completion offers every verb, and options of each", async () => {
  using terminal = new Terminal();
  const verbs = await offers(terminal, "");
  const { out: help } = await terminal.ztna("--help");
  const listed = [...help.matchAll(/^ {2}([a-z][a-z-]+)(?:\|[a-z]+)? .*$/gm)].map(([, verb]) => verb!);
  const known = listed.slice(0, listed.indexOf("completion"));
  assert.ok(known.length > 20, known.join());
  assert.deepEqual(known.filter((verb) => !verbs.includes(verb)), []);
  assert.deepEqual(await offers(terminal, "set", "--sh"), ["--shields-up"]);
  assert.deepEqual(await offers(terminal, "set", "--exit"), ["--exit-node", "--exit-node-allow-lan-access"]);
  assert.deepEqual(await offers(terminal, "up", "--gate"), ["--gateway"]);
  assert.deepEqual(await offers(terminal, "update", "--y"), ["--yes"]);
  assert.deepEqual(await offers(terminal, "wg-config", "ex"), ["export"]);
});

Deno.test("ztna completion offers the machines of the last map and the profiles", async () => {
  using terminal = new Terminal();
  const { id, name, tailnet_ip, public_key } = winA;
  const rest = { allowed_ips: [], endpoints: [], relay_region: null, online: true, os: null };
  const peer = { id, name, tailnet_ip, public_key: public_key!, ...rest };
  terminal.write("state.json", stateFile("https://login.example.com"));
  terminal.write("netmap.json", { machine_id: linuxC.id, map: netMap({ seq: 1, peers: [peer] }) });
  await terminal.ztna("profile", "create", "work");
  for (const verb of ["ping", "peers", "ip"]) assert.deepEqual(await offers(terminal, verb, ""), ["Win-A"]);
  assert.deepEqual(await offers(terminal, "switch", ""), ["default", "work"]);
  terminal.write("state.json", "damaged");
  assert.deepEqual(await offers(terminal, "ping", ""), []);
});

/** A bash with the script of `ztna completion bash`, in which somebody presses Tab after `ztna sta`. */
const PRESS_TAB = `
_get_comp_words_by_ref() { words=(ztna sta); cword=1; cur=sta; prev=ztna; }
ztna() { "$DENO" run --quiet --no-lock --cached-only -A "$MAIN" "$@"; }
source /dev/stdin
complete -p ztna
__ztna_complete && echo "\${COMPREPLY[*]}"`;

Deno.test("ztna completion bash makes bash offer what ztna offers", async () => {
  using terminal = new Terminal();
  const { out: script } = await terminal.ztna("completion", "bash");
  const bash = new Deno.Command("bash", {
    args: ["--norc", "-c", PRESS_TAB],
    env: { DENO: Deno.execPath(), MAIN: new URL("../../../agent/main.ts", import.meta.url).pathname },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = bash.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout, stderr } = await bash.output();
  const text = new TextDecoder();
  assert.equal(text.decode(stdout), "complete -F __ztna_complete ztna\nstatus\n", text.decode(stderr));
});
