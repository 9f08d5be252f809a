import assert from "node:assert/strict";
import { linuxC, ORG, stateFile } from "./support/acme.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
import { Terminal } from "./support/terminal.ts";

const OTHER_ORG = "88888888-2222-4333-8444-555555555555";
const org = (id: string, name: string, slug: string) => (
  { id, name, slug, domain: null, created_at: "2026-03-01T00:00:00.000Z", role: "member" }
);
const orgs = [org(ORG, "Acme", "acme"), org(OTHER_ORG, "Beta Works", "beta")];

async function registeredAtAcme() {
  const plane = await startControlPlane({ "/api/user-orgs": () => ({ data: orgs }) });
  const terminal = new Terminal();
  terminal.write("config.json", { api_url: plane.url, org_id: ORG });
  terminal.write("tokens.json", { access_token: "t", refresh_token: "r", api_url: plane.url });
  terminal.write("state.json", stateFile(plane.url));
  return { plane, terminal };
}

Deno.test("ztna profile makes, lists, uses and forgets sets of control plane, login and machine", async () => {
  using terminal = new Terminal();
  terminal.write("state.json", stateFile("https://login.example.com"));
  assertGolden(
    "profiles",
    await terminal.session([
      "ztna profile list",
      "ztna profile create work --api-url https://work.example.com/api/",
      "ztna profile create work",
      "ztna profile create Work!",
      "ztna switch work",
      "ztna status",
      "ztna profile list",
      "ztna profile list --json",
      "ztna profile delete work",
      "ztna profile delete default",
      "ztna profile delete nobody",
      "ztna switch nobody --profile",
      "ztna switch",
      "ztna switch default",
      "ztna ip",
      "ztna profile delete work",
      "ztna switch work",
    ]),
  );
  assert.throws(() => Deno.statSync(terminal.path("profiles/work")), Deno.errors.NotFound);
});

Deno.test("ztna switch takes a person to another org and back, with one login", async () => {
  const { plane, terminal } = await registeredAtAcme();
  await using _ = plane;
  using __ = terminal;
  const text = await terminal.session([
    "ztna switch --list",
    "ztna switch beta",
    "ztna status",
    "ztna switch --list --json",
    "ztna switch BETA",
    "ztna switch acme",
    "ztna ip",
    "ztna switch gamma",
    "ztna profile delete beta",
  ]);
  // A port has four or five digits: the column is as wide as it is.
  const url = new RegExp(`${plane.url}( *)`, "g");
  assertGolden("switch-org", text.replaceAll(url, (_, spaces) => `<control plane>${spaces && " "}`));
  assert.equal((Deno.statSync(terminal.path("profiles.json")).mode ?? 0) & 0o777, 0o600);
});

Deno.test("ztna switch waits for the VPN to be stopped, in whichever profile it runs", async () => {
  using terminal = new Terminal();
  await terminal.ztna("profile", "create", "work");
  await using _ = startAgent(terminal.directory, {});
  const { code, err } = await terminal.ztna("switch", "work");
  assert.deepEqual([code, err], [1, "the VPN is running in the profile default. Run 'ztna down' first\n"]);
});

Deno.test("profiles are private, and what is left of a deleted one does not come back", async () => {
  using terminal = new Terminal();
  await terminal.ztna("profile", "create", "office");
  assert.equal((Deno.statSync(terminal.path("profiles/office")).mode ?? 0) & 0o777, 0o700);
  // As after a crash in the middle of `profile delete`.
  terminal.write("profiles/office/state.json", stateFile("https://login.example.com"));
  Deno.removeSync(terminal.path("profiles.json"));
  await terminal.ztna("profile", "create", "office");
  await terminal.ztna("switch", "office");
  assert.equal((await terminal.ztna("status", "--json")).out.includes(linuxC.id), false);
});

Deno.test("a damaged profiles.json is one line, and a current profile that is not there is the default one", async () => {
  using terminal = new Terminal();
  terminal.write("profiles.json", "{");
  const { code, err } = await terminal.ztna("status");
  assert.equal(code, 1);
  assert.match(err, /^[^\n]*profiles\.json is damaged\. Mend or remove it[^\n]*\n$/);
  terminal.write("profiles.json", { current: "gone", profiles: [] });
  assert.equal((await terminal.ztna("status")).code, 0);
});
