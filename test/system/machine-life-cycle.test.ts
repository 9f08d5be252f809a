import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signup } from "#protocol/api/auth.ts";
import { createAuthKey, revokeAuthKey } from "#protocol/api/auth-keys.ts";
import { call } from "#protocol/api/call.ts";
import type { Endpoint, InputOf, ResponseOf } from "#protocol/api/endpoint.ts";
import {
  deleteMachine,
  disableMachine,
  enableMachine,
  quarantineMachine,
  renameMachine,
  unquarantineMachine,
  updateMachineTags,
} from "#protocol/api/machine-admin.ts";
import { type Machine, registerMachine } from "#protocol/api/machines.ts";
import { createOrg } from "#protocol/api/orgs.ts";
import { listMachines } from "#protocol/api/tables.ts";
import type { AuthKeyId, MachineId, OrgId } from "#protocol/ids.ts";
import { type AgentPeer, localPeers } from "#protocol/local/daemon.ts";
import type { RealtimeEvent } from "#protocol/realtime.ts";
import type { Background } from "../../tools/lab/background.ts";
import { logInFrom, type RunningControlPlane, startOn } from "../../tools/lab/control-plane.ts";
import type { Host, Output } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";
import { processesOn } from "../../tools/lab/processes.ts";
import { agentOn } from "./support/local-socket.ts";
import { Subscriber } from "./support/subscriber.ts";

/*
 * One machine goes through its whole life; a peer's table and a live subscriber follow each step. Somebody of another org
 * listens all the while and hears of their own only:
 *
 *      +-------------+-------- switch ------+-------------+--------------+
 *      |             |                      |             |              |
 *   control plane  admin, stranger       watcher       subject        passing (ephemeral), cut (loses its cable)
 *   npm start      API and subscribers   ztna up       ztna up        ztna up
 */

/** From the answer of the API to the table of a peer. */
const SOON_MS = 1000;
const OFFLINE_AFTER_S = 30;

interface Side {
  readonly orgId: OrgId;
  readonly token: string;
  readonly subscriber: Subscriber;
}

let network: Network;
let plane: RunningControlPlane;
let admin: Host;
let [watcher, subject, passing, cut]: Host[] = [];
let ours: Side;
let theirs: Side;
let key: { id: AuthKeyId; key: string };
let others: { key: string };
let loggedIn: Output;
const agents = new Map<Host, Background>();
let theirMachine: MachineId;
let theirNames = 0;

type Seen = (peer: AgentPeer | undefined) => boolean;

beforeAll(async () => {
  network = new Network(`tlm${process.pid}-`);
  const server = network.add("control");
  admin = network.add("admin");
  [watcher, subject, passing, cut] = ["watcher", "box-1", "box-2", "cut"].map((name) => network.add(name));
  plane = await startOn(server, { timings: { offline_after_s: OFFLINE_AFTER_S, ephemeral_offline_s: 2 } });
  const { session, orgId } = await logInFrom(admin, plane.url);
  ours = await sideOf(orgId as OrgId, session.token);
  theirs = await strangers();
  [key, others] = [await makeKey("subject"), await makeKey("others")];
  const ephemeral = await makeKey("passing", { ephemeral: true });
  await Promise.all([
    start(watcher!, others.key, ["up"]),
    start(subject!, key.key, ["up", "--hostname", "subject", "--advertise-tags", "tag:web"]),
    start(cut!, others.key, ["connect"]),
  ]);
  passing!.environment["ZTNA_API_URL"] = plane.url;
  loggedIn = await passing!.run("ztna", ["login", "--auth-key", ephemeral.key, "--hostname", "passing"], 60_000);
});

afterAll(async () => {
  await Promise.all([...agents.values()].map((agent) => agent.stop()));
  for (const side of [ours, theirs]) await side?.subscriber.stop();
  await plane?.process.stop();
  network?.remove();
});

describe("a machine's life, as its peer and its org's subscriber see it within a second", () => {
  test("ztna up --hostname --advertise-tags, ztna connect and ztna login --auth-key --hostname bring it in", async () => {
    expect(loggedIn).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Logged in\. Machine: passing \(100\./) });
    await expect.poll(async () => (await peersOf(watcher!)).map(({ name }) => name).sort(), { timeout: 10_000 })
      .toEqual(["cut", "passing", "subject"]);
    expect((await row("subject"))?.tags).toEqual(["web"]);
  });

  test("a cable is pulled; what comes of it shows at the end", () => network.plug(cut!, "down"));

  test("quarantine takes it out of its peers' tables, unquarantine brings it back", async () => {
    const target = await targetOf("subject");
    await follows(target, () => ask(quarantineMachine, { ...target, reason: "drill" }), isGone);
    await hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, status: "quarantined" } });
    await follows(target, () => ask(unquarantineMachine, target), isOnline);
    await hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, status: "online" } });
  });

  test("disable takes it out, enable brings it back", async () => {
    const target = await targetOf("subject");
    await follows(target, () => ask(disableMachine, target), isGone);
    await hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, admin_disabled: true } });
    await follows(target, () => ask(enableMachine, target), isOnline);
  });

  test("its new name is in its peers' tables, and in its own", async () => {
    const target = await targetOf("subject");
    await follows(target, () => ask(renameMachine, { ...target, name: "renamed" }), (peer) => peer?.name === "renamed");
    await hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, name: "renamed" } });
    await follows(target, () => ask(renameMachine, { ...target, name: "subject" }), (peer) => peer?.name === "subject");
  });

  test("its tags are told to the subscriber and listed", async () => {
    const target = await targetOf("subject");
    await ask(updateMachineTags, { ...target, tags: ["tag:db"] });
    await hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, tags: ["db"] } });
    expect((await row("subject"))?.tags).toEqual(["db"]);
  });

  test("an ephemeral machine killed with -9 is offline at once and soon deleted", async () => {
    const target = await targetOf("passing");
    for (const pid of processesOn(passing!)) process.kill(pid, "SIGKILL");
    await appears(target.machine_id, (peer) => peer?.online !== true);
    await hears({ channel: "machines", event: "DELETE", payload: { id: target.machine_id } }, 10_000);
    await appears(target.machine_id, isGone);
    await hears({ channel: "audit", event: "INSERT", payload: { action: "machine.cleanup_deleted" } });
  });

  test("revoking its key quarantines it, by the API's count", async () => {
    const target = await targetOf("subject");
    const input = { org_id: ours.orgId, key_id: key.id };
    await follows(
      target,
      async () => expect(await ask(revokeAuthKey, input)).toMatchObject({ machines_quarantined: 1 }),
      isGone,
    );
    await hears({ channel: "keys", event: "UPDATE", payload: { id: key.id, revoked: true } });
    await hears({ channel: "machines", event: "UPDATE", payload: { id: target.machine_id, status: "quarantined" } });
    await follows(target, () => ask(unquarantineMachine, target), isOnline);
  });

  test("delete takes it out for good, and its agent is told and ends", async () => {
    const target = await targetOf("subject");
    await follows(target, () => ask(deleteMachine, target), isGone);
    await hears({ channel: "machines", event: "DELETE", payload: { id: target.machine_id } });
    expect(await agents.get(subject!)!.exited).toBe(1);
    expect(agents.get(subject!)!.stderr).toMatch(/does not know this machine any more\. Register it again: [^\n]+\n$/);
  });

  test("ztna up --force-reauth makes the deleted one a new machine, which its peers learn of", async () => {
    const before = new Set((await peersOf(watcher!)).map(({ id }) => id));
    await agents.get(subject!)!.stop();
    await start(subject!, others.key, ["up", "--hostname", "subject", "--force-reauth"]);
    const { machine_id: id } = await targetOf("subject");
    expect(before).not.toContain(id);
    await appears(id, isOnline);
    await hears({ channel: "machines", event: "INSERT", payload: { id, name: "subject" } });
  });

  test("a machine without its cable is found silent and goes offline", async () => {
    const { machine_id: id } = await targetOf("cut");
    await hears({ channel: "machines", event: "UPDATE", payload: { id, status: "offline" } }, OFFLINE_AFTER_S * 1500);
    await appears(id, (peer) => peer?.online === false);
    const details = expect.objectContaining({ reason: "heartbeat_timeout" });
    const payload = { action: "machine.marked_offline", resource_id: id, details };
    await hears({ channel: "audit", event: "INSERT", payload });
  });
});

test("each subscriber heard all of its own org and nothing of the other's", () => {
  for (const side of [ours, theirs]) {
    const strangers = side.subscriber.events.filter(({ payload }) => payload["org_id"] !== side.orgId);
    expect(strangers).toEqual([]);
  }
  expect(adminAudits(ours)).toEqual([
    ...Array.from({ length: 3 }, () => "auth_key.created"),
    "machine.quarantined",
    "machine.unquarantined",
    "machine.disabled",
    "machine.enabled",
    "machine.renamed",
    "machine.renamed",
    "machine.tags_updated",
    "auth_key.revoked",
    "machine.unquarantined",
    "machine.deleted",
  ]);
  const renames = Array.from({ length: theirNames }, () => "machine.renamed");
  expect(adminAudits(theirs)).toEqual(["auth_key.created", ...renames]);
  const heard = theirs.subscriber.events.filter(({ channel }) => channel === "machines");
  expect([...new Set(heard.map(({ payload }) => payload["name"]))]).toEqual([
    "theirs",
    ...Array.from({ length: theirNames }, (_, number) => `theirs-${number}`),
  ]);
});

async function sideOf(orgId: OrgId, token: string): Promise<Side> {
  const channels = ["machines", "keys", "audit"] as const;
  const subscriber = await Subscriber.start(admin, { url: plane.url, orgId, token, channels: [...channels] });
  return { orgId, token, subscriber };
}

/** Another org with one machine and somebody who listens. */
async function strangers(): Promise<Side> {
  const credentials = { email: "stranger@example.com", password: "correct horse battery" };
  const { token } = await call(admin.fetch, plane.url, signup, credentials);
  const org = await call(admin.fetch, plane.url, createOrg, { name: "Strangers" }, { token });
  const side = await sideOf(org.id, token);
  const { key } = await call(admin.fetch, plane.url, createAuthKey, { org_id: org.id, name: "theirs" }, { token });
  const machine = await call(admin.fetch, plane.url, registerMachine, { auth_key: key, name: "theirs" });
  theirMachine = machine.machine_id;
  return side;
}

/** Something happens in the other org as well. */
async function stir(): Promise<void> {
  const target = { org_id: theirs.orgId, machine_id: theirMachine, name: `theirs-${theirNames++}` };
  await call(admin.fetch, plane.url, renameMachine, target, { token: theirs.token });
}

function makeKey(name: string, options: { ephemeral?: boolean } = {}) {
  return ask(createAuthKey, { org_id: ours.orgId, name, reusable: true, ...options });
}

async function start(host: Host, authKey: string, args: readonly string[]): Promise<void> {
  Object.assign(host.environment, { ZTNA_API_URL: plane.url, ZTNA_AUTH_KEY: authKey });
  const agent = host.start("ztna", args);
  agents.set(host, agent);
  await agent.prints("Press Ctrl+C to stop...", 60_000);
}

/** As the org's owner. */
function ask<E extends Endpoint>(endpoint: E, input: InputOf<E>): Promise<ResponseOf<E>> {
  return call(admin.fetch, plane.url, endpoint, input, { token: ours.token });
}

async function row(name: string): Promise<Machine | undefined> {
  return (await ask(listMachines, { org_id: ours.orgId })).find((machine) => machine.name === name);
}

async function targetOf(name: string): Promise<{ org_id: OrgId; machine_id: MachineId }> {
  return { org_id: ours.orgId, machine_id: (await row(name))!.id };
}

/** The table of `ztna peers`, from the socket it reads. */
function peersOf(host: Host): Promise<AgentPeer[]> {
  return call(agentOn(host), "http://agent", localPeers, {});
}

/** Does it, with something going on in the other org, and waits until the watcher sees what it must see of the subject. */
async function follows(
  { machine_id }: { machine_id: MachineId },
  act: () => Promise<unknown>,
  seen: Seen,
): Promise<void> {
  const stirred = stir();
  await act();
  await appears(machine_id, seen);
  await stirred;
}

async function appears(id: MachineId, seen: Seen): Promise<void> {
  const since = performance.now();
  const peer = async () => (await peersOf(watcher!)).find((one) => one.id === id);
  while (!seen(await peer())) {
    if (performance.now() - since > SOON_MS) {
      throw new Error(`the peer's table is not right: ${JSON.stringify(await peer())}`);
    }
    await setTimeout(10);
  }
}

/** Waits until our subscriber has heard of it. */
async function hears(event: Pick<RealtimeEvent, "channel" | "event" | "payload">, timeout = SOON_MS): Promise<void> {
  await expect.poll(() => ours.subscriber.events, { timeout, interval: 20 }).toContainEqual(
    expect.objectContaining({ ...event, payload: expect.objectContaining(event.payload) }),
  );
}

/** What admins did, as their subscriber heard it. */
function adminAudits({ subscriber }: Side): unknown[] {
  const audits = subscriber.events.filter(({ channel, payload }) => channel === "audit" && payload["user_id"] !== null);
  return audits.map(({ payload }) => payload["action"]);
}

const isGone: Seen = (peer) => peer === undefined;
const isOnline: Seen = (peer) => peer?.online === true;
