import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signup } from "#protocol/api/auth.ts";
import { createAuthKey, revokeAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import {
  approveMachine,
  deleteMachine,
  disableMachine,
  enableMachine,
  quarantineMachine,
  renameMachine,
  setMachineKeyExpiry,
  unquarantineMachine,
  updateMachineFlags,
  updateMachineTags,
} from "#protocol/api/machine-admin.ts";
import { registerMachine } from "#protocol/api/machines.ts";
import { updateOrgSettings } from "#protocol/api/org-settings.ts";
import { createOrg } from "#protocol/api/orgs.ts";
import type { AuthKeyId, MachineId, OrgId } from "#protocol/ids.ts";
import { localStatus } from "#protocol/local/daemon.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, owner, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host, Output } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";
import { processesOn } from "../../tools/lab/processes.ts";
import { agentOn } from "./support/local-socket.ts";
import { appears, isGone, isOnline, peersOf, pings, type Seen, SOON_MS } from "./support/peers.ts";
import { WatchedOrg } from "./support/watched-org.ts";

/*
 * One machine goes through its whole life; a peer's table and a live subscriber follow each step. Somebody of another org
 * listens all the while and hears of their own only:
 *
 *      +-------------+-------- switch ------+-------------+--------------+
 *      |             |                      |             |              |
 *   control plane  admin, stranger       watcher       subject        passing (ephemeral), cut (loses its cable),
 *   npm start      API and subscribers   ztna up       ztna up        laptop (a person's, waits for approval)
 */

const OFFLINE_AFTER_S = 30;
/** What a day of a node key's life is here: the default of 180 outlasts the test, one day does not. */
const KEY_DAY_S = 6;

const READY = "Press Ctrl+C to stop...";
const PENDING = `Starting QuickZTNA...
Machine registered but requires admin approval.
Ask your org admin to approve this machine in the dashboard:
  Machines page → Pending Approval tab → Approve
Run 'ztna up' again after approval.
`;

let network: Network;
let plane: RunningControlPlane;
let admin: Host;
let [watcher, subject, passing, cut, laptop]: Host[] = [];
let ours: WatchedOrg;
let theirs: WatchedOrg;
let key: { id: AuthKeyId; key: string };
let others: { key: string };
let loggedIn: Output;
const agents = new Map<Host, Background>();
let theirMachine: MachineId;
let theirNames = 0;

beforeAll(async () => {
  network = new Network(`tlm${process.pid}-`);
  const server = network.add("control");
  admin = network.add("admin");
  [watcher, subject, passing, cut, laptop] = ["watcher", "box-1", "box-2", "cut", "laptop"].map((name) =>
    network.add(name)
  );
  const timings = { offline_after_s: OFFLINE_AFTER_S, ephemeral_offline_s: 2, node_key_day_s: KEY_DAY_S };
  plane = await startOn(server, { timings });
  const { session, orgId } = await logInFrom(admin, plane.url);
  ours = await WatchedOrg.watch(admin, { url: plane.url, id: orgId as OrgId, token: session.token });
  theirs = await strangers();
  [key, others] = [await makeKey("subject"), await makeKey("others")];
  const ephemeral = await makeKey("passing", { ephemeral: true });
  await Promise.all([
    start(watcher!, others.key, ["up"]),
    start(subject!, key.key, ["up", "--hostname", "subject", "--advertise-tags", "tag:web"]),
    start(cut!, others.key, ["connect"]),
  ]);
  for (const host of [passing, laptop]) host!.environment["ZTNA_API_URL"] = plane.url;
  loggedIn = await passing!.run("ztna", ["login", "--auth-key", ephemeral.key, "--hostname", "passing"], 60_000);
});

afterAll(async () => {
  await Promise.all([...agents.values()].map((agent) => agent.stop()));
  for (const org of [ours, theirs]) await org?.stop();
  await plane?.process.stop();
  network?.remove();
});

describe("a machine's life, as its peer and its org's subscriber see it within a second", () => {
  test("ztna up --hostname --advertise-tags, ztna connect and ztna login --auth-key --hostname bring it in", async () => {
    expect(loggedIn).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Logged in\. Machine: passing \(100\./) });
    await expect.poll(async () => (await peersOf(watcher!)).map(({ name }) => name).sort(), { timeout: 10_000 })
      .toEqual(["cut", "passing", "subject"]);
    expect((await ours.machine("subject"))?.tags).toEqual(["web"]);
  });

  test("a cable is pulled; what comes of it shows at the end", () => network.plug(cut!, "down"));

  test("one that waits for approval comes in when an admin approves it, after ztna up has said so twice", async () => {
    await ours.ask(updateOrgSettings, { org_id: ours.id, approval_required: true });
    const credentials = `printf '%s\\n' '${owner.email}' '${owner.password}'`;
    expect((await laptop!.shell(`${credentials} | ztna login --interactive`)).stdout).toBe("Login successful!\n");
    for (const _ of ["registers", "is still pending"]) {
      expect(await laptop!.run("ztna", ["up"])).toEqual({ code: 0, stdout: PENDING, stderr: "" });
    }
    const target = await ours.targetOf("laptop");
    await ours.hears({ channel: "machines", event: "INSERT", payload: { id: target.machine_id, status: "pending" } });
    expect((await peersOf(watcher!)).map(({ name }) => name)).not.toContain("laptop");

    await follows(target, () => ours.ask(approveMachine, target), (peer) => peer !== undefined);
    await ours.hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, status: "online" } });
    const agent = laptop!.start("ztna", ["up"]);
    agents.set(laptop!, agent);
    await agent.prints(READY);
    expect(agent.stdout).toContain("\nConnected as laptop (100.");
    await appears(watcher!, target.machine_id, isOnline);
    expect(await pings(watcher!, "laptop")).toBe(true);
    expect(await agent.stop()).toBe(130);
  });

  test("an admin's shields_up keeps its peers' packets out and lets them in again", async () => {
    const target = await ours.targetOf("subject");
    const reaches = () => pings(watcher!, "subject");
    await expect.poll(reaches, { timeout: 10_000 }).toBe(true);
    for (const shields_up of [true, false]) {
      await ours.ask(updateMachineFlags, { ...target, shields_up });
      await expect.poll(reaches, { timeout: SOON_MS, interval: 10 }).toBe(!shields_up);
      await ours.hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, shields_up } });
    }
  });

  test("the flags an admin sets are those its agent goes by", async () => {
    const target = await ours.targetOf("subject");
    await ours.ask(updateMachineFlags, { ...target, accept_routes: true, ssh_enabled: true });
    const flags = async () => (await call(agentOn(subject!), "http://agent", localStatus, {})).flags;
    await expect.poll(flags, { timeout: SOON_MS, interval: 10 }).toMatchObject({
      accept_routes: true,
      ssh_enabled: true,
      shields_up: false,
    });
    const payload = { id: target.machine_id, accept_routes: true, ssh_enabled: true };
    await ours.hears({ channel: "machines", event: "UPDATE", payload });
  });

  test("quarantine takes it out of its peers' tables, unquarantine brings it back", async () => {
    const target = await ours.targetOf("subject");
    await follows(target, () => ours.ask(quarantineMachine, { ...target, reason: "drill" }), isGone);
    await ours.hears({
      channel: "machines",
      event: "UPDATE",
      payload: { id: target.machine_id, status: "quarantined" },
    });
    await follows(target, () => ours.ask(unquarantineMachine, target), isOnline);
    await ours.hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, status: "online" } });
  });

  test("disable takes it out, enable brings it back", async () => {
    const target = await ours.targetOf("subject");
    await follows(target, () => ours.ask(disableMachine, target), isGone);
    await ours.hears({
      channel: "machines",
      event: "UPDATE",
      payload: { id: target.machine_id, admin_disabled: true },
    });
    await follows(target, () => ours.ask(enableMachine, target), isOnline);
  });

  test("its new name is in its peers' tables, and in its own", async () => {
    const target = await ours.targetOf("subject");
    await follows(
      target,
      () => ours.ask(renameMachine, { ...target, name: "renamed" }),
      (peer) => peer?.name === "renamed",
    );
    await ours.hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, name: "renamed" } });
    await follows(
      target,
      () => ours.ask(renameMachine, { ...target, name: "subject" }),
      (peer) => peer?.name === "subject",
    );
  });

  test("its tags are told to the subscriber and listed", async () => {
    const target = await ours.targetOf("subject");
    await ours.ask(updateMachineTags, { ...target, tags: ["tag:db"] });
    await ours.hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, tags: ["db"] } });
    expect((await ours.machine("subject"))?.tags).toEqual(["db"]);
  });

  test("an ephemeral machine killed with -9 is offline at once and soon deleted", async () => {
    const target = await ours.targetOf("passing");
    for (const pid of processesOn(passing!)) process.kill(pid, "SIGKILL");
    await appears(watcher!, target.machine_id, (peer) => peer?.online !== true);
    await ours.hears({ channel: "machines", event: "DELETE", payload: { id: target.machine_id } }, 10_000);
    await appears(watcher!, target.machine_id, isGone);
    await ours.hears({ channel: "audit", event: "INSERT", payload: { action: "machine.cleanup_deleted" } });
  });

  test("revoking its key quarantines it, by the API's count", async () => {
    const target = await ours.targetOf("subject");
    const input = { org_id: ours.id, key_id: key.id };
    await follows(
      target,
      async () => expect(await ours.ask(revokeAuthKey, input)).toMatchObject({ machines_quarantined: 1 }),
      isGone,
    );
    await ours.hears({ channel: "keys", event: "UPDATE", payload: { id: key.id, revoked: true } });
    await ours.hears({
      channel: "machines",
      event: "UPDATE",
      payload: { id: target.machine_id, status: "quarantined" },
    });
    await follows(target, () => ours.ask(unquarantineMachine, target), isOnline);
  });

  test("a node key that ends takes it out and its agent says what to do; who is exempt from expiry stays", async () => {
    const target = await ours.targetOf("subject");
    for (const name of ["watcher", "cut"]) {
      await ours.ask(setMachineKeyExpiry, { ...await ours.targetOf(name), disabled: true });
    }
    await follows(target, () => ours.ask(updateOrgSettings, { org_id: ours.id, key_expiry_days: 1 }), isGone);
    const payload = { id: target.machine_id, status: "offline", key_expired: true };
    await ours.hears({ channel: "machines", event: "UPDATE", payload });
    await ours.hears({ channel: "audit", event: "INSERT", payload: { action: "machine.key_expired" } });

    const why = "Machine key has expired. Re-authenticate: ztna up --auth-key";
    expect(await agents.get(subject!)!.exited).toBe(1);
    expect(agents.get(subject!)!.stderr.trim().split("\n").at(-1)).toBe(why);
    const { stdout } = await subject!.run("ztna", ["status", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ mode: "disconnected", problem: why });
    expect(await ours.machine("watcher")).toMatchObject({ status: "online", key_expired: false });
  });

  test("ztna up --force-reauth gets it a new node key, and its peers have the same machine back", async () => {
    const target = await ours.targetOf("subject");
    await start(subject!, others.key, ["up", "--force-reauth"]);
    await appears(watcher!, target.machine_id, isOnline);
    await ours.ask(updateOrgSettings, { org_id: ours.id, key_expiry_days: 180 });
    expect(await ours.machine("subject")).toMatchObject({ id: target.machine_id, key_expired: false });
  });

  test("delete takes it out for good, and its agent is told and ends", async () => {
    const target = await ours.targetOf("subject");
    await follows(target, () => ours.ask(deleteMachine, target), isGone);
    await ours.hears({ channel: "machines", event: "DELETE", payload: { id: target.machine_id } });
    expect(await agents.get(subject!)!.exited).toBe(1);
    expect(agents.get(subject!)!.stderr).toMatch(/does not know this machine any more\. Register it again: [^\n]+\n$/);
  });

  test("ztna up --force-reauth makes the deleted one a new machine, which its peers learn of", async () => {
    const before = new Set((await peersOf(watcher!)).map(({ id }) => id));
    await agents.get(subject!)!.stop();
    await start(subject!, others.key, ["up", "--hostname", "subject", "--force-reauth"]);
    const { machine_id: id } = await ours.targetOf("subject");
    expect(before).not.toContain(id);
    await appears(watcher!, id, isOnline);
    await ours.hears({ channel: "machines", event: "INSERT", payload: { id, name: "subject" } });
  });

  test("a machine without its cable is found silent and goes offline", async () => {
    const { machine_id: id } = await ours.targetOf("cut");
    await ours.hears(
      { channel: "machines", event: "UPDATE", payload: { id, status: "offline" } },
      OFFLINE_AFTER_S * 1500,
    );
    await appears(watcher!, id, (peer) => peer?.online === false);
    const details = expect.objectContaining({ reason: "heartbeat_timeout" });
    const payload = { action: "machine.marked_offline", resource_id: id, details };
    await ours.hears({ channel: "audit", event: "INSERT", payload });
  });
});

test("each subscriber heard all of its own org and nothing of the other's", () => {
  for (const org of [ours, theirs]) {
    expect(org.events.filter(({ payload }) => payload["org_id"] !== org.id)).toEqual([]);
  }
  expect(ours.deeds).toEqual([
    ...Array.from({ length: 3 }, () => "auth_key.created"),
    "settings.updated",
    "machine.self_service_setup",
    "machine.self_service_setup",
    "machine.approved",
    "machine.self_service_setup",
    "machine.flags_updated",
    "machine.flags_updated",
    "machine.flags_updated",
    "machine.quarantined",
    "machine.unquarantined",
    "machine.disabled",
    "machine.enabled",
    "machine.renamed",
    "machine.renamed",
    "machine.tags_updated",
    "auth_key.revoked",
    "machine.unquarantined",
    "machine.key_expiry_set",
    "machine.key_expiry_set",
    "settings.updated",
    "settings.updated",
    "machine.deleted",
  ]);
  const renames = Array.from({ length: theirNames }, () => "machine.renamed");
  expect(theirs.deeds).toEqual(["auth_key.created", ...renames]);
  const heard = theirs.events.filter(({ channel }) => channel === "machines");
  expect([...new Set(heard.map(({ payload }) => payload["name"]))]).toEqual([
    "theirs",
    ...Array.from({ length: theirNames }, (_, number) => `theirs-${number}`),
  ]);
});

/** Another org with one machine and somebody who listens. */
async function strangers(): Promise<WatchedOrg> {
  const credentials = { email: "stranger@example.com", password: "correct horse battery" };
  const { token } = await call(admin.fetch, plane.url, signup, credentials);
  const { id } = await call(admin.fetch, plane.url, createOrg, { name: "Strangers" }, { token });
  const org = await WatchedOrg.watch(admin, { url: plane.url, id, token });
  const { key } = await org.ask(createAuthKey, { org_id: id, name: "theirs" });
  theirMachine = (await call(admin.fetch, plane.url, registerMachine, { auth_key: key, name: "theirs" })).machine_id;
  return org;
}

/** Something happens in the other org as well. */
function stir(): Promise<unknown> {
  const target = { org_id: theirs.id, machine_id: theirMachine };
  return theirs.ask(renameMachine, { ...target, name: `theirs-${theirNames++}` });
}

function makeKey(name: string, options: { ephemeral?: boolean } = {}) {
  return ours.ask(createAuthKey, { org_id: ours.id, name, reusable: true, ...options });
}

async function start(host: Host, authKey: string, args: readonly string[]): Promise<void> {
  Object.assign(host.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: authKey });
  const agent = host.start("ztna", args);
  agents.set(host, agent);
  await agent.prints(READY, 60_000);
}

/** Does it, with something going on in the other org, and waits until the watcher sees what it must see of the subject. */
async function follows(
  { machine_id }: { machine_id: MachineId },
  act: () => Promise<unknown>,
  seen: Seen,
): Promise<void> {
  const stirred = stir();
  await act();
  await appears(watcher!, machine_id, seen);
  await stirred;
}
