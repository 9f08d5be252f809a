import assert from "node:assert/strict";
import { linuxC, ORG, stateFile, winA, winB } from "./support/acme.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
import { Terminal } from "./support/terminal.ts";

const MACHINES = "/api/db/machines";
const router = {
  ...winA,
  id: "71111111-2222-4333-8444-555555555555",
  name: "Router",
  tailnet_ip: "100.64.0.7",
  approved_routes: ["10.0.0.0/24"],
  endpoints: ["[2001:db8::7]:41641", "192.0.2.9:41641"],
};
const keyless = { ...winA, id: "81111111-2222-4333-8444-555555555555", name: "Keyless", public_key: null };
const seen = { ...winA, public_endpoint: "198.51.100.1:50000", endpoints: ["192.0.2.8:41641"] };
const machines = [linuxC, seen, winB, router, keyless];

async function loggedIn() {
  const plane = await startControlPlane({ [MACHINES]: () => ({ data: machines }) });
  const terminal = new Terminal({ ZTNA_API_URL: plane.url });
  terminal.write("config.json", { org_id: ORG });
  terminal.write("tokens.json", { access_token: "t", refresh_token: "r", api_url: plane.url });
  return { plane, terminal };
}

Deno.test("ztna wg-config export has this machine and every online machine with a key", async () => {
  const { plane, terminal } = await loggedIn();
  await using _ = plane;
  using __ = terminal;
  terminal.write("state.json", stateFile(plane.url));
  assertGolden("wg-config", await terminal.session(["ztna wg-config export", "ztna wg-config export --json"]));
});

Deno.test("ztna wg-config export of another machine leaves its private key to it", async () => {
  const { plane, terminal } = await loggedIn();
  await using _ = plane;
  using __ = terminal;
  assertGolden(
    "wg-config-other",
    await terminal.session([
      "ztna wg-config export",
      `ztna wg-config export --machine ${winB.id}`,
      "ztna wg-config export --machine nobody",
    ]),
  );
});

Deno.test("ztna wg-config export warns while the agent uses the same key", async () => {
  const { plane, terminal } = await loggedIn();
  await using _ = plane;
  using __ = terminal;
  terminal.write("state.json", stateFile(plane.url));
  await using ___ = startAgent(terminal.directory, {});
  const { code, err } = await terminal.ztna("wg-config", "export");
  assert.equal(code, 0);
  assert.match(err, /^Warning: the agent runs with the same key\. Run 'ztna down'[^\n]*\n$/);
});
