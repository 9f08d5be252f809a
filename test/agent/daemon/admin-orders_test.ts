import assert from "node:assert/strict";
import { AdminOrders } from "../../../agent/daemon/admin-orders.ts";
import { agentPaths } from "../../../agent/daemon/paths.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SECRET = ["state.json", "tokens.json", "machine-token.json", "netmap.json", "config.json", "state.json.77.tmp"];
const TRACES = ["ztna.log", "ztna.log.1", "ztna.log.2"];
const OTHERS = ["notes.txt", "ztna.log.old", "my-state.json", "profiles.json"];

/** A directory in which all this lies, besides another profile and what belongs to somebody else. */
function usedDirectory() {
  const directory = temporaryDirectory();
  for (const name of [...SECRET, ...TRACES, ...OTHERS]) Deno.writeTextFileSync(`${directory.path}/${name}`, name);
  Deno.mkdirSync(`${directory.path}/profiles/other`, { recursive: true });
  Deno.writeTextFileSync(`${directory.path}/profiles/other/state.json`, "another organization's");
  const names = () => [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort();
  return { path: directory.path, names, [Symbol.dispose]: () => directory[Symbol.dispose]() };
}

Deno.test("wipe_device removes keys, tokens and settings before it is acknowledged, the logs at the end, and nothing else", async () => {
  using directory = usedDirectory();
  const ended = Promise.withResolvers<void>();
  const orders = new AdminOrders(agentPaths(directory.path), ended.resolve);
  assert.equal((await orders.obey("wipe_device")).done, true);
  assert.deepEqual(directory.names(), [...OTHERS, ...TRACES, "profiles"].sort());
  await ended.promise;
  assert.equal(orders.isWiped, true);
  // What was written on the way out goes too.
  Deno.writeTextFileSync(`${directory.path}/state.json`, "again");
  const said: string[] = [];
  orders.finish((text) => said.push(text));
  assert.deepEqual(directory.names(), [...OTHERS, "profiles"].sort());
  assert.deepEqual(Deno.readTextFileSync(`${directory.path}/profiles/other/state.json`), "another organization's");
  assert.match(said.join("\n"), /^An admin of your organization has wiped this machine: [^\n]+$/);
});

Deno.test("wipe_device says what it could not remove", async () => {
  using directory = usedDirectory();
  Deno.removeSync(`${directory.path}/state.json`);
  Deno.mkdirSync(`${directory.path}/state.json`);
  Deno.writeTextFileSync(`${directory.path}/state.json/x`, "");
  const orders = new AdminOrders(agentPaths(directory.path), () => {});
  assert.deepEqual(await orders.obey("wipe_device"), { done: false, said: "1 of its files could not be removed" });
  const said: string[] = [];
  orders.finish((text) => said.push(text));
  assert.match(said[1]!, /Could not remove .*state\.json\. Remove it by hand\./);
});

Deno.test("an agent that was told nothing removes nothing at its end", () => {
  using directory = usedDirectory();
  const before = directory.names();
  new AdminOrders(agentPaths(directory.path), () => {}).finish(assert.fail);
  assert.deepEqual(directory.names(), before);
});
