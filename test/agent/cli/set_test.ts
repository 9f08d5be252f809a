import assert from "node:assert/strict";
import { linuxC, ORG, stateFile } from "./support/acme.ts";
import { type Answer, type Asked, startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { Terminal } from "./support/terminal.ts";

const ADMIN = "/api/machine-admin";
const EVERYTHING = "ztna set --hostname build-7 --tags ci,tag:linux --shields-up --ssh --accept-routes " +
  "--advertise-exit-node --advertise-routes 10.0.0.0/24,192.168.1.0/24";

/** A control plane that takes whatever it is told. */
const takesAll = ({ body }: Asked): Answer => ({ data: { ...body, machine_id: linuxC.id } });

/** A machine that is registered and has a token of its own. */
async function registered(answer: (asked: Asked) => Answer) {
  const plane = await startControlPlane({ [ADMIN]: answer });
  const terminal = new Terminal({ ZTNA_API_URL: plane.url });
  terminal.write("state.json", stateFile(plane.url));
  terminal.write("machine-token.json", { machine_id: linuxC.id, token: "m", expires_at: Date.now() + 3_600_000 });
  return { plane, terminal };
}

Deno.test("ztna set --hostname --tags --shields-up --ssh --accept-routes --advertise-exit-node --advertise-routes: each says its change, is kept and told", async () => {
  const { plane, terminal } = await registered(takesAll);
  await using _ = plane;
  using __ = terminal;
  assertGolden(
    "set",
    await terminal.session([
      EVERYTHING,
      "ztna set --shields-up=false --ssh=false --accept-routes=off --advertise-exit-node=no",
      "ztna set --tags= --advertise-routes=",
    ]),
  );
  const target = { org_id: ORG, machine_id: linuxC.id };
  assert.deepEqual(plane.asked.slice(0, 7).map(({ body }) => body), [
    { ...target, action: "rename", name: "build-7" },
    { ...target, action: "update_tags", tags: ["ci", "linux"] },
    { ...target, action: "update_flags", shields_up: true },
    { ...target, action: "update_flags", ssh_enabled: true },
    { ...target, action: "update_flags", accept_routes: true },
    { ...target, action: "update_flags", advertise_exit_node: true },
    { ...target, action: "update_flags", advertised_routes: ["10.0.0.0/24", "192.168.1.0/24"] },
  ]);
  assert.deepEqual(new Set(plane.asked.map(({ token }) => token)), new Set(["m"]));
  assert.deepEqual(terminal.readJson("config.json"), {
    hostname: "build-7",
    tags: [],
    shields_up: false,
    ssh_enabled: false,
    accept_routes: false,
    advertise_exit_node: false,
    advertise_routes: [],
    unsent: [],
  });
  assert.equal(terminal.readJson("state.json").registration.name, "build-7");
});

Deno.test("ztna set refuses what makes no sense and changes nothing", async () => {
  using terminal = new Terminal();
  assertGolden(
    "set-refused",
    await terminal.session([
      "ztna set",
      "ztna set --hostname !!!",
      "ztna set --tags good,not/good",
      "ztna set --advertise-routes 10.0.0.0/33",
      "ztna set --advertise-routes 10.0.0.1",
      "ztna set --advertise-routes 0.0.0.0/0",
      "ztna set --shields-up=perhaps",
      "ztna set --exit-node Win-A",
      "ztna set --auto-update=perhaps",
    ]),
  );
  assert.throws(() => Deno.statSync(terminal.path("config.json")), Deno.errors.NotFound);
});

Deno.test("ztna set --exit-node --exit-node-allow-lan-access --auto-update keeps them here, shows them in ztna status and claims no effect", async () => {
  const { plane, terminal } = await registered(takesAll);
  await using _ = plane;
  using __ = terminal;
  assertGolden(
    "set-choices",
    await terminal.session([
      "ztna set --exit-node 100.64.0.9 --exit-node-allow-lan-access --auto-update",
      "ztna status",
      "ztna set --exit-node auto",
      "ztna set --exit-node off --exit-node-allow-lan-access=false --auto-update=false",
      "ztna status",
    ]),
  );
  assert.deepEqual(plane.asked, []);
  await terminal.ztna("set", "--exit-node", "auto", "--auto-update");
  const { exit_node, exit_node_allow_lan_access, auto_update } = JSON.parse(
    (await terminal.ztna("status", "--json")).out,
  );
  assert.deepEqual({ exit_node, exit_node_allow_lan_access, auto_update }, {
    exit_node: "auto",
    exit_node_allow_lan_access: false,
    auto_update: true,
  });
});

Deno.test("ztna set only warns when the control plane is away, and the settings go with the next try", async () => {
  using terminal = new Terminal({ ZTNA_API_URL: "http://127.0.0.1:9" });
  terminal.write("state.json", stateFile("http://127.0.0.1:9"));
  assertGolden("set-away", await terminal.session(["ztna set --hostname build-7 --shields-up"]));
  assert.deepEqual(terminal.readJson("config.json").unsent, ["hostname", "shields_up"]);
});

Deno.test("ztna set warns of what the org does not allow and saves the rest", async () => {
  const { plane, terminal } = await registered((asked) =>
    asked.body["advertise_exit_node"] === true
      ? { code: "FORBIDDEN", message: "exit nodes not allowed for this org" }
      : takesAll(asked)
  );
  await using _ = plane;
  using __ = terminal;
  assertGolden("set-not-allowed", await terminal.session(["ztna set --advertise-exit-node --shields-up"]));
  assert.deepEqual(terminal.readJson("config.json").unsent, ["advertise_exit_node"]);
});

Deno.test("ztna set before the first registration keeps the settings for it", async () => {
  using terminal = new Terminal();
  const { code, err } = await terminal.ztna("set", "--hostname", "build-7", "--shields-up");
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual(terminal.readJson("config.json").unsent, ["hostname", "shields_up"]);
  assert.equal((Deno.statSync(terminal.path("config.json")).mode ?? 0) & 0o777, 0o600);
});
