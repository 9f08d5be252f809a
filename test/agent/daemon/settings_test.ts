import assert from "node:assert/strict";
import { readConfig } from "../../../agent/daemon/config.ts";
import { overruleUnsent, sendUnsentSettings } from "../../../agent/daemon/settings.ts";
import { linuxC, stateFile } from "../cli/support/acme.ts";
import { startControlPlane } from "../cli/support/control-plane.ts";
import { Terminal } from "../cli/support/terminal.ts";

const ADMIN = "/api/machine-admin";

async function registered(config: Record<string, unknown>) {
  const plane = await startControlPlane({
    [ADMIN]: ({ body }) => body["tags"] === undefined ? { data: { ...body } } : { code: "FORBIDDEN" },
  });
  const terminal = new Terminal({ ZTNA_API_URL: plane.url });
  terminal.write("state.json", stateFile(plane.url));
  terminal.write("machine-token.json", { machine_id: linuxC.id, token: "m", expires_at: Date.now() + 3_600_000 });
  terminal.write("config.json", config);
  return { plane, terminal };
}

Deno.test("up sends what the control plane has not heard, once", async () => {
  const { plane, terminal } = await registered({ hostname: "build-7", shields_up: true, unsent: ["shields_up"] });
  await using _ = plane;
  using __ = terminal;
  for (const _ of [1, 2]) assert.deepEqual(await sendUnsentSettings(readConfig(), false), []);
  assert.deepEqual(plane.asked.map(({ body }) => body["shields_up"]), [true]);
});

Deno.test("ztna up --shields-up=false overrules an older ztna set that nobody has heard yet", async () => {
  const unsent = ["shields_up", "accept_routes"];
  const { plane, terminal } = await registered({ shields_up: true, accept_routes: true, unsent });
  await using _ = plane;
  using __ = terminal;
  overruleUnsent(readConfig(), { shields_up: false });
  assert.deepEqual(await sendUnsentSettings(readConfig(), false), []);
  assert.deepEqual(plane.asked.map(({ body }) => body["shields_up"] ?? body["accept_routes"]), [true]);
  assert.equal(terminal.readJson("config.json").shields_up, false);
});

Deno.test("a new machine gets every setting but the name it registered with", async () => {
  const settings = { hostname: "build-7", accept_routes: true, unsent: ["hostname"] };
  const { plane, terminal } = await registered({ ...settings, tags: ["ci"] });
  await using _ = plane;
  using __ = terminal;
  const warnings = await sendUnsentSettings(readConfig(), true);
  assert.deepEqual(warnings, ["failed to update tags on control plane: Admin required"]);
  assert.deepEqual(plane.asked.map(({ body }) => body["action"]), ["update_tags", "update_flags"]);
  assert.deepEqual(terminal.readJson("config.json").unsent, []);
});
