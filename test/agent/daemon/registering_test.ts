import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { readConfigFile } from "../../../agent/daemon/config.ts";
import { createIdentity } from "../../../agent/daemon/identity.ts";
import { registerHere, type Registering, sayPending } from "../../../agent/daemon/registering.ts";
import type { AgentState } from "../../../agent/daemon/state-file.ts";
import type { UpOptions } from "../../../agent/daemon/up.ts";
import { type Answer, type Asked, startControlPlane } from "../cli/support/control-plane.ts";
import { installation } from "./support/installation.ts";
import { machineAnswer } from "./support/machine-answer.ts";
import { Told } from "./support/told.ts";

const REGISTER = "/api/register-machine";
const AUTH_KEY = `tskey-auth-${"ab".repeat(32)}`;
const GOOD = (): Answer => ({ data: machineAnswer });

/** A machine that is about to register at a control plane which answers so. */
async function registrant(answer: (asked: Asked) => Answer) {
  const plane = await startControlPlane({ [REGISTER]: answer });
  const here = installation(plane.url);
  const [told, stop] = [new Told(), new AbortController()];
  const context = (options: Partial<UpOptions> = {}, changes: Partial<Registering> = {}): Registering => ({
    config: here.config,
    apiUrl: plane.url,
    options: {
      authKey: AUTH_KEY,
      hostname: undefined,
      org: undefined,
      forceReauth: false,
      settings: {},
      ...options,
    },
    credential: () => ({ authKey: AUTH_KEY }),
    report: told,
    log: () => undefined,
    stop: stop.signal,
    parted: false,
    ...changes,
  });
  return {
    plane,
    here,
    told,
    stop,
    context,
    names: () => plane.asked.map(({ body }) => body["name"]),
    async [Symbol.asyncDispose]() {
      here[Symbol.dispose]();
      await plane[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a first registration is kept in state.json and config.json, and told", async () => {
  await using here = await registrant(GOOD);
  const state = createIdentity();
  const registration = await registerHere(here.context(), state, "register");
  assert.deepEqual(here.here.state(), { ...state, registration });
  assert.equal(registration?.node_key, machineAnswer.node_key);
  const { api_url, org_id } = readConfigFile(here.here.paths.config);
  assert.deepEqual({ api_url, org_id }, { api_url: here.plane.url, org_id: machineAnswer.org_id });
  assert.deepEqual(here.told.all, ["Registered: laptop (100.64.0.7)"]);
});

Deno.test("the name is the one asked for, else the one that was set, else the one it is known by, else the host's", async () => {
  await using here = await registrant(GOOD);
  const [fresh, known] = [createIdentity(), here.here.registered({ name: "known" })];
  const elsewhere = here.here.registered({ name: "of another plane", api_url: "http://another" });
  const set = { config: { ...here.here.config, file: { hostname: "set" } } };
  const cases: [Registering, AgentState][] = [
    [here.context({ hostname: "asked" }, set), known],
    [here.context({}, set), known],
    [here.context(), known],
    [here.context(), elsewhere],
    [here.context(), fresh],
  ];
  for (const [context, state] of cases) await registerHere(context, state, "register");
  assert.deepEqual(here.names(), ["asked", "set", "known", "host", "host"]);
});

Deno.test("a machine that is registered and was given no key goes on without asking anybody", async () => {
  await using here = await registrant(() => assert.fail("it asked"));
  const state = here.here.registered();
  assert.deepEqual(await registerHere(here.context({ authKey: undefined }), state, "reuse"), state.registration);
  assert.deepEqual(here.told.all, ["Already registered: laptop (IP: 100.64.0.7)"]);
});

Deno.test("a key registers a known machine anew: the same id is told as such and keeps its map, another id drops it", async () => {
  await using here = await registrant(GOOD);
  const { netMap } = here.here.paths;
  writeFileSync(netMap, "{}");
  await registerHere(here.context(), here.here.registered({ node_key: "cd".repeat(32) }), "renew");
  assert.equal(here.here.state()!.registration!.node_key, machineAnswer.node_key);
  assert.ok(existsSync(netMap));
  const other = { machine_id: "44444444-2222-4333-8444-555555555555" };
  await registerHere(here.context(), here.here.registered(other), "renew");
  assert.ok(!existsSync(netMap));
  assert.deepEqual(here.told.all, ["Already registered: laptop (IP: 100.64.0.7)", "Registered: laptop (100.64.0.7)"]);
});

Deno.test("a key that is good no more costs a registered machine a warning, not its network", async () => {
  await using here = await registrant(() => ({ code: "KEY_USED" }));
  const state = here.here.registered();
  assert.deepEqual(await registerHere(here.context(), state, "renew"), state.registration);
  assert.deepEqual(here.told.all, [
    "warning: Warning: auth key registration failed: KEY_USED: Auth key already used." +
    " Going on as the machine registered before.",
    "Already registered: laptop (IP: 100.64.0.7)",
  ]);
});

Deno.test("a control plane that is away does not keep a registered machine waiting", async () => {
  await using here = await registrant(() => ({ code: "UNAVAILABLE" }));
  const state = here.here.registered();
  assert.deepEqual(await registerHere(here.context(), state, "renew"), state.registration);
  assert.deepEqual([here.plane.asked.length, here.told.all.length], [1, 1]);
});

Deno.test("who is not registered is told why it waits, and stops waiting when asked to", async () => {
  await using here = await registrant(({ body }) => {
    if (body["name"] === "limited") return { code: "RATE_LIMITED", message: "Too many requests." };
    return { code: "UNAVAILABLE" };
  });
  for (const hostname of ["limited", "host"]) {
    const stop = new AbortController();
    const report = new Told();
    const warn = report.warn.bind(report);
    report.warn = (text) => (warn(text), stop.abort());
    const context = here.context({ hostname }, { report, stop: stop.signal });
    assert.equal(await registerHere(context, createIdentity(), "register"), undefined);
    here.told.all.push(...report.all);
  }
  assert.match(here.told.all[0]!, /^warning: RATE_LIMITED: Too many requests, retrying in \d+ s\.\.\.$/);
  assert.match(here.told.all[1]!, /^warning: Cannot reach http:\/\/127\.0\.0\.1:\d+, retrying in \d+ s\.\.\.$/);
});

for (
  const [how, message] of [
    ["register", "auth key registration failed: KEY_USED: Auth key already used"],
    ["setup", "registration failed: KEY_USED: Auth key already used"],
  ] as const
) {
  Deno.test(`a refusal ends ${how} with "${message}"`, async () => {
    await using here = await registrant(() => ({ code: "KEY_USED" }));
    await assert.rejects(registerHere(here.context(), createIdentity(), how), { message });
    assert.equal(here.here.state(), undefined);
  });
}

Deno.test("a machine that must be approved is kept as pending and not told as registered; then come the four lines", async () => {
  await using here = await registrant(() => ({ data: { ...machineAnswer, status: "pending" } }));
  const registration = await registerHere(here.context(), createIdentity(), "register");
  assert.equal(registration?.pending, true);
  assert.equal(here.here.state()?.registration?.pending, true);
  assert.deepEqual(here.told.all, []);
  sayPending(here.told);
  assert.deepEqual(here.told.all, [
    "Machine registered but requires admin approval.",
    "Ask your org admin to approve this machine in the dashboard:",
    "  Machines page → Pending Approval tab → Approve",
    "Run 'ztna up' again after approval.",
  ]);
});

Deno.test("a machine that parts from its twin takes a name of its own when the twin has theirs", async () => {
  await using here = await registrant(({ body }) =>
    body["name"] === "host" ? { code: "REGISTRATION_CONFLICT" } : { data: { ...machineAnswer, name: body["name"] } }
  );
  const state = createIdentity();
  const own = `host-${state.machine_key.slice(0, 4)}`;
  assert.equal((await registerHere(here.context({}, { parted: true }), state, "register"))?.name, own);
  assert.deepEqual(here.names(), ["host", own]);
  await assert.rejects(registerHere(here.context(), state, "register"), /REGISTRATION_CONFLICT/);
  assert.equal(here.plane.asked.length, 3);
});
