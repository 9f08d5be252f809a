import assert from "node:assert/strict";
import { readConfig } from "../../../agent/daemon/config.ts";
import { readMachines } from "../../../agent/daemon/organization.ts";
import { authKeys, linuxC, ORG, peers, stateFile, status, winA, winB } from "./support/acme.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { netMap } from "../support/net-map.ts";
import { assertGolden } from "./support/golden.ts";
import { startAgent } from "./support/running-agent.ts";
import { Terminal } from "./support/terminal.ts";

const MACHINES = "/api/db/machines";
const KEYS = "/api/db/auth_keys";
const HEARTBEAT = "/api/machine-heartbeat";
const machines = [linuxC, winA, winB];

/** A control plane and a person who is logged in to it. */
async function loggedIn(answers: Parameters<typeof startControlPlane>[0]) {
  const plane = await startControlPlane(answers);
  const terminal = new Terminal({ ZTNA_API_URL: plane.url });
  terminal.write("config.json", { api_url: plane.url, org_id: ORG });
  terminal.write("tokens.json", { access_token: "old", refresh_token: "r1", api_url: plane.url });
  return { plane, terminal };
}

Deno.test("ztna machines list prints the table of the guide, and with --json what scripts need", async () => {
  const { plane, terminal } = await loggedIn({ [MACHINES]: () => ({ data: machines }) });
  await using _ = plane;
  using __ = terminal;
  assertGolden("machines-list", await terminal.session(["ztna machines list", "ztna machines list --json"]));
  assert.deepEqual(plane.asked[0]!.query, { org_id: ORG, order: "name" });
  assert.equal(plane.asked[0]!.token, "old");
});

Deno.test("ztna auth-keys list prints the table of the guide, and with --json what scripts need", async () => {
  const { plane, terminal } = await loggedIn({ [KEYS]: () => ({ data: authKeys }) });
  await using _ = plane;
  using __ = terminal;
  assertGolden("auth-keys-list", await terminal.session(["ztna auth-keys list", "ztna auth-keys list --json"]));
});

Deno.test("ztna machines list and ztna auth-keys list say so when there is nothing", async () => {
  const { plane, terminal } = await loggedIn({ [MACHINES]: () => ({ data: [] }), [KEYS]: () => ({ data: [] }) });
  await using _ = plane;
  using __ = terminal;
  assertGolden("nothing-to-list", await terminal.session(["ztna machines list", "ztna auth-keys list"]));
});

Deno.test("ztna auth-keys list names the role of a member who may not", async () => {
  const org = { id: ORG, name: "Acme", slug: "acme", domain: null, created_at: "2026-03-01T00:00:00.000Z" };
  const { plane, terminal } = await loggedIn({
    [KEYS]: () => ({ code: "FORBIDDEN" }),
    "/api/user-orgs": () => ({ data: [{ ...org, role: "member" }] }),
  });
  await using _ = plane;
  using __ = terminal;
  assertGolden("auth-keys-list-member", await terminal.session(["ztna auth-keys list"]));
});

Deno.test("ztna machines list, ztna auth-keys list and ztna whois need an org and somebody to ask for them", async () => {
  using terminal = new Terminal({ ZTNA_API_URL: "http://127.0.0.1:9" });
  const commands = ["ztna machines list", "ztna auth-keys list", "ztna whois 100.64.0.9"];
  const nowhere = await terminal.session(commands);
  terminal.write("config.json", { org_id: ORG });
  assertGolden(
    "lists-without-login",
    `${nowhere}\nWith an org of an earlier login:\n\n${await terminal.session(commands)}`,
  );
});

Deno.test("an access token that has run out is renewed once, by one command of several at a time", async () => {
  const refreshed: unknown[] = [];
  const { plane, terminal } = await loggedIn({
    [MACHINES]: ({ token }) => token === "new" ? { data: machines } : { code: "UNAUTHORIZED" },
    "/api/auth/refresh": ({ body }) => {
      refreshed.push(body["refresh_token"]);
      const user = { id: "61111111-2222-4333-8444-555555555555", email: "a@example.com" };
      return { data: { token: "new", access_token: "new", refresh_token: "r2", expires_in: 3600, user } };
    },
  });
  await using _ = plane;
  using __ = terminal;
  const lists = await Promise.all([1, 2, 3].map(() => readMachines(readConfig())));
  assert.deepEqual(lists.map((list) => list.length), [3, 3, 3]);
  assert.deepEqual(refreshed, ["r1"]);
  assert.equal(terminal.readJson("tokens.json").refresh_token, "r2");
  assert.equal((Deno.statSync(terminal.path("tokens.json")).mode ?? 0) & 0o777, 0o600);
});

Deno.test("a login that is over says to log in again", async () => {
  const { plane, terminal } = await loggedIn({
    [MACHINES]: () => ({ code: "UNAUTHORIZED" }),
    "/api/auth/refresh": () => ({ code: "INVALID_TOKEN" }),
  });
  await using _ = plane;
  using __ = terminal;
  const { code, err } = await terminal.ztna("machines", "list");
  assert.deepEqual({ code, err }, { code: 1, err: "your login has expired. Run 'ztna login' again\n" });
});

Deno.test("without a login a registered machine asks for itself, and keeps its token for the owner only", async () => {
  const heartbeat = { ...netMap({ seq: 1 }), status: "offline", token: "m1", expires_in: 86_400, relay_ticket: null };
  await using plane = await startControlPlane({
    [MACHINES]: ({ token }) => token === "m1" ? { data: machines } : { code: "UNAUTHORIZED" },
    [KEYS]: () => ({ code: "FORBIDDEN" }),
    [HEARTBEAT]: () => ({ data: heartbeat }),
  });
  using terminal = new Terminal({ ZTNA_API_URL: plane.url });
  terminal.write("state.json", stateFile(plane.url));
  for (const _ of [1, 2]) assert.equal((await terminal.ztna("machines", "list")).code, 0);
  const heartbeats = plane.asked.filter(({ path }) => path === HEARTBEAT);
  assert.deepEqual(heartbeats.map(({ body }) => body), [{ node_key: "de".repeat(32), status: "offline" }]);
  assert.equal((Deno.statSync(terminal.path("machine-token.json")).mode ?? 0) & 0o777, 0o600);
  const { err } = await terminal.ztna("auth-keys", "list");
  assert.equal(err, "auth key listing requires admin role (your role: member)\n");
  await terminal.ztna("logout");
  assert.throws(() => Deno.statSync(terminal.path("machine-token.json")), Deno.errors.NotFound);
});

Deno.test("ztna whois finds this machine and its peers, by the running agent", async () => {
  using terminal = new Terminal();
  await using _ = startAgent(terminal.directory, { status: () => status, peers: () => peers });
  assertGolden(
    "whois",
    await terminal.session([
      "ztna whois 100.64.0.3",
      "ztna whois 100.64.0.2",
      "ztna whois 100.64.0.1 --json",
      "ztna whois 100.64.0.9",
    ]),
  );
});

Deno.test("ztna whois asks the control plane when no agent runs", async () => {
  const { plane, terminal } = await loggedIn({ [MACHINES]: () => ({ data: machines }) });
  await using _ = plane;
  using __ = terminal;
  assert.match((await terminal.ztna("whois", "100.64.0.2")).out, /^Machine: +Win-B\n[^]*\nStatus: +offline\n$/);
});

Deno.test("ztna status, ztna peers and ztna ip show a connected machine as the guide does, also with --active and --json", async () => {
  using terminal = new Terminal();
  await using _ = startAgent(terminal.directory, { status: () => status, peers: () => peers });
  assertGolden(
    "connected",
    await terminal.session([
      "ztna status",
      "ztna status --peers",
      "ztna status --active",
      "ztna status --active --json",
      "ztna peers",
      "ztna peers --active",
      "ztna peers Win-A",
      "ztna peers Win-A --json",
      "ztna peers nobody",
      "ztna ip",
      "ztna ip Win-B --json",
    ]),
  );
});

Deno.test("ztna status of a machine that is stopped names no peers", async () => {
  using terminal = new Terminal();
  terminal.write("state.json", stateFile("https://login.example.com"));
  assertGolden("disconnected", await terminal.session(["ztna status --peers", "ztna peers", "ztna ip"]));
});
