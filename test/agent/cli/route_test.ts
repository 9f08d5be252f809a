import assert from "node:assert/strict";
import { linuxC, ORG, winA, winB } from "./support/acme.ts";
import { type Answer, type Asked, startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { Terminal } from "./support/terminal.ts";

const gateway = {
  ...linuxC,
  advertised_routes: ["192.168.100.0/24", "10.0.0.0/16"],
  approved_routes: ["10.0.0.0/16"],
};
const exits = [
  { ...winA, advertise_exit_node: true, exit_node_approved: true, relay_region: "nyc1" },
  { ...winB, advertise_exit_node: true },
];
const MACHINES = "/api/db/machines";
const ADMIN = "/api/machine-admin";

/** A person who is logged in to an org with these machines. */
async function loggedIn(machines: unknown[], decide: (asked: Asked) => Answer = () => ({ code: "FORBIDDEN" })) {
  const plane = await startControlPlane({ [MACHINES]: () => ({ data: machines }), [ADMIN]: decide });
  const terminal = new Terminal({ ZTNA_API_URL: plane.url });
  terminal.write("config.json", { api_url: plane.url, org_id: ORG });
  terminal.write("tokens.json", { access_token: "t", refresh_token: "r", api_url: plane.url });
  return { plane, terminal };
}

Deno.test("ztna route list says what is offered and what is approved, of all machines or of one", async () => {
  const { plane, terminal } = await loggedIn([gateway, winA]);
  await using _ = plane;
  using __ = terminal;
  const commands = ["", " --machine LINUX-C", " --machine Win-A", " --json"].map((more) => `ztna route list${more}`);
  assertGolden("route-list", await terminal.session(commands));
});

Deno.test("ztna route approve, ztna route reject, ztna route approve-exit-node and ztna route reject-exit-node decide as an admin", async () => {
  const { plane, terminal } = await loggedIn([gateway, winA], ({ body }) => ({
    data: {
      machine_id: body["machine_id"],
      ...(String(body["action"]).includes("exit_node")
        ? { exit_node_approved: body["action"] === "approve_exit_node" }
        : { approved_routes: body["action"] === "approve_routes" ? gateway.advertised_routes : [] }),
    },
  }));
  await using _ = plane;
  using __ = terminal;
  assertGolden(
    "route-decide",
    await terminal.session([
      "ztna route approve Linux-C",
      "ztna route reject linux-c --routes 192.168.100.0/24,10.0.0.0/16",
      "ztna route approve-exit-node 100.64.0.1",
      `ztna route reject-exit-node ${winA.id}`,
      "ztna route approve nobody",
    ]),
  );
  assert.deepEqual(plane.asked.filter(({ path }) => path === ADMIN).map(({ body }) => body), [
    { action: "approve_routes", org_id: ORG, machine_id: linuxC.id },
    {
      action: "reject_routes",
      org_id: ORG,
      machine_id: linuxC.id,
      routes: ["192.168.100.0/24", "10.0.0.0/16"],
    },
    { action: "approve_exit_node", org_id: ORG, machine_id: winA.id },
    { action: "reject_exit_node", org_id: ORG, machine_id: winA.id },
  ]);
});

Deno.test("ztna route approve of a member is FORBIDDEN and says whom to ask", async () => {
  const { plane, terminal } = await loggedIn([gateway]);
  await using _ = plane;
  using __ = terminal;
  const { code, err } = await terminal.ztna("route", "approve", "Linux-C");
  assert.equal(code, 1);
  assert.match(err, /^FORBIDDEN: .*Ask an admin of your organization\n$/);
});

Deno.test("ztna exit-node list says what is offered; ztna exit-node suggest takes what is approved and online", async () => {
  const { plane, terminal } = await loggedIn([gateway, ...exits]);
  await using _ = plane;
  using __ = terminal;
  const commands = ["list", "list --json", "suggest", "suggest --json"].map((more) => `ztna exit-node ${more}`);
  assertGolden("exit-node", await terminal.session(commands));
});

Deno.test("ztna route list, ztna exit-node list and ztna exit-node suggest say so when there is nothing", async () => {
  const { plane, terminal } = await loggedIn([winA]);
  await using _ = plane;
  using __ = terminal;
  const commands = ["ztna route list", "ztna exit-node list", "ztna exit-node suggest"];
  assertGolden("route-none", await terminal.session(commands));
});
