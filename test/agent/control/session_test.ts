import assert from "node:assert/strict";
import type { OwnSettings } from "#protocol/api/machines.ts";
import type { OrgMessage } from "#protocol/control/messages.ts";
import { CLOSE_CLONED, CLOSE_REFUSED, CLOSE_REPLACED } from "#protocol/control/messages.ts";
import type { WireGuardPublicKey } from "#protocol/keys.ts";
import type { NetMap, Peer } from "#protocol/netmap.ts";
import {
  ControlSession,
  type HeartbeatResult,
  type SessionAction,
  type SocketEnd,
} from "../../../agent/control/session.ts";
import { netMap, peer } from "../support/net-map.ts";

const KEY = "A".repeat(43) + "=" as WireGuardPublicKey;
const OWN = { endpoints: ["192.0.2.1:41641"], relayRegion: "blr1" };

/** A session with a clock; every call returns what the session wants done. */
class Trial {
  readonly session: ControlSession;
  now = 1_000;

  constructor(map?: NetMap, settings?: OwnSettings) {
    this.session = new ControlSession({
      wireguardPublicKey: KEY,
      version: "0.1.0",
      instance: "i",
      map,
      settings,
      random: () => 0.5,
    });
  }

  start = () => this.#run((out) => this.session.handleStart(OWN, this.now, out));
  open = () => this.#run((out) => this.session.handleOpen(this.now, out));
  hear = (message: OrgMessage) => this.hearText(JSON.stringify(message));
  hearText = (text: string) => this.#run((out) => this.session.handleMessage(text, this.now, out));
  close = (end: SocketEnd = {}) => this.#run((out) => this.session.handleClosed(end, this.now, out));
  set = (settings: OwnSettings) => this.#run((out) => this.session.handleSettings(settings, out));
  commandDone = (id: string) =>
    this.#run((out) => this.session.handleCommandDone({ id, done: true, said: "done" }, out));
  bye = () => this.#run((out) => this.session.handleBye(this.now, out));
  look = () => this.#run((out) => this.session.handleLookWanted(this.now, out));
  wake = () => this.#run((out) => this.session.handleWake(out));
  wantTicket = () => this.#run((out) => this.session.handleTicketWanted(this.now, out));
  heartbeat = (result: HeartbeatResult) => this.#run((out) => this.session.handleHeartbeat(result, this.now, out));

  /** Moves the clock to the next timeout and returns its actions. */
  elapse(): SessionAction[] {
    this.now = this.session.nextTimeout() ?? assert.fail("no timeout is set");
    return this.#run((out) => this.session.handleTimeout(this.now, out));
  }

  goLive(map = netMap({ seq: 5 })): SessionAction[] {
    this.start();
    this.open();
    return this.hear({ type: "map", map });
  }

  #run(input: (out: SessionAction[]) => void): SessionAction[] {
    const out: SessionAction[] = [];
    input(out);
    return out;
  }
}

const trialOf = (map?: NetMap, settings?: OwnSettings) => new Trial(map, settings);
const kinds = (actions: readonly SessionAction[]) => actions.map(({ type }) => type);
const sent = (actions: readonly SessionAction[]) =>
  actions.flatMap((action) => action.type === "send" ? [action.message.type] : []);
const statusOf = (actions: readonly SessionAction[]) => actions.findLast((action) => action.type === "status");
const mapOf = (actions: readonly SessionAction[]) => actions.findLast((action) => action.type === "map")?.map;
const delta = (since: number, seq: number, upsert: Peer[] = [], remove: Peer["id"][] = []): OrgMessage => ({
  type: "delta",
  delta: { since, seq, upsert, remove },
});

Deno.test("the control plane's time comes before the map it came with, by stream and by heartbeat", () => {
  const trial = trialOf();
  trial.start();
  trial.open();
  assert.deepEqual(kinds(trial.hear({ type: "map", map: netMap({ seq: 5 }), now: 1_700_000_000_000 })).slice(0, 2), [
    "clock",
    "map",
  ]);
  const blocked = trialOf();
  blocked.start();
  blocked.close();
  const credentials = { ticket: null, token: "t", expiresInS: 1, refused: undefined };
  const actions = blocked.heartbeat({ ok: true, map: netMap({ seq: 5 }), wallMs: 1_700_000_000_000, ...credentials });
  assert.deepEqual(actions.slice(0, 1), [{ type: "clock", wallMs: 1_700_000_000_000 }]);
});

Deno.test("a session greets with its key, its addresses and no map number when it has none", () => {
  const trial = trialOf();
  assert.deepEqual(kinds(trial.start()), ["socket.open", "status"]);
  const [hello] = trial.open();
  assert.deepEqual(hello, {
    type: "send",
    message: {
      type: "hello",
      protocol: 1,
      version: "0.1.0",
      instance: "i",
      wireguard_public_key: KEY,
      endpoints: ["192.0.2.1:41641"],
      relay_region: "blr1",
    },
  });
});

Deno.test("a session with a saved map names its number", () => {
  const trial = trialOf(netMap({ seq: 9 }));
  trial.start();
  const [hello] = trial.open();
  assert.ok(hello?.type === "send" && hello.message.type === "hello");
  assert.equal(hello.message.seq, 9);
});

Deno.test("a session is connected with its first map", () => {
  const actions = trialOf().goLive();
  assert.equal(mapOf(actions)?.seq, 5);
  assert.equal(statusOf(actions)?.control, "connected");
});

Deno.test("a delta that follows the map changes it", () => {
  const trial = trialOf();
  trial.goLive(netMap({ seq: 5, peers: [peer("a"), peer("b")] }));
  const map = mapOf(trial.hear(delta(5, 6, [peer("c")], [peer("a").id])));
  assert.deepEqual(map?.peers.map(({ name }) => name), ["b", "c"]);
  assert.equal(map?.seq, 6);
});

Deno.test("a delta that spans numbers not concerning this agent changes the map", () => {
  const trial = trialOf();
  trial.goLive();
  assert.equal(mapOf(trial.hear(delta(3, 8, [peer("c")])))?.seq, 8);
});

Deno.test("a delta heard before does nothing", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(trial.hear(delta(4, 5, [peer("c")])), []);
});

Deno.test("a gap asks for a whole map once, and deltas wait for it", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(sent(trial.hear(delta(6, 7, [peer("c")]))), ["map_wanted"]);
  assert.deepEqual(trial.hear(delta(7, 8, [peer("d")])), []);
  assert.equal(mapOf(trial.hear({ type: "map", map: netMap({ seq: 8 }) }))?.seq, 8);
  assert.equal(mapOf(trial.hear(delta(8, 9, [peer("e")])))?.seq, 9);
});

Deno.test("a session that reconnects names its map and what it sees, and takes what it missed", () => {
  const [b, c, d] = ["b", "c", "d"].map((name) => peer(name));
  const map = netMap({ seq: 5, peers: [b!, c!] });
  const trial = new Trial({ ...map, self: { ...map.self, view: "plain" } });
  trial.start();
  const [hello] = trial.open();
  assert.ok(hello?.type === "send" && hello.message.type === "hello");
  assert.deepEqual([hello.message.seq, hello.message.view], [5, "plain"]);
  const { peers: _, ...rest } = netMap({ seq: 9 });
  const renamed = { ...rest, org: { ...rest.org, name: "Renamed" } };
  const out = trial.hear({ type: "resumed", since: 5, map: renamed, upsert: [d!], remove: [b!.id] });
  assert.deepEqual(out[0], {
    type: "map",
    map: { ...renamed, peers: [c, d] },
    change: { upsert: [d], remove: [b!.id] },
  });
  assert.equal(out.some((action) => action.type === "status" && action.control === "connected"), true);
});

Deno.test("a reconnect that builds on a map this agent has not got asks for a whole one", () => {
  const { peers: _, ...map } = netMap({ seq: 9 });
  const trial = new Trial(netMap({ seq: 5 }));
  trial.start();
  trial.open();
  const out = trial.hear({ type: "resumed", since: 6, map, upsert: [], remove: [] });
  assert.deepEqual(out, [{ type: "send", message: { type: "map_wanted" } }]);
});

Deno.test("a session that only ever listens gives a sign of life once a minute", () => {
  const trial = new Trial();
  trial.goLive(netMap({ seq: 0 }));
  const signs: number[] = [];
  for (let seq = 1; seq <= 60; seq++) {
    trial.now += 10_000;
    const out = trial.hear({ type: "delta", delta: { since: seq - 1, seq, upsert: [peer(`p${seq}`)], remove: [] } });
    if (out.some(({ type }) => type === "keepalive")) signs.push(seq);
  }
  assert.deepEqual(signs, [6, 12, 18, 24, 30, 36, 42, 48, 54, 60]);
});

Deno.test("messages that are not of the protocol do nothing", () => {
  const trial = trialOf();
  trial.goLive();
  for (const text of ["", "{", "[]", '{"type":"map"}', '{"type":"nonsense"}']) {
    assert.deepEqual(trial.hearText(text), []);
  }
});

Deno.test("failed attempts come at growing pauses up to a minute", () => {
  const trial = trialOf();
  trial.start();
  const pauses = Array.from({ length: 9 }, () => {
    const status = statusOf(trial.close());
    assert.equal(status?.control, "unreachable");
    trial.elapse();
    return status?.retryInMs;
  });
  assert.deepEqual(pauses, [750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000]);
});

Deno.test("an attempt waits at least as long as the server asked", () => {
  const trial = trialOf();
  trial.start();
  assert.ok(statusOf(trial.close({ retryAfterMs: 20_000 }))!.retryInMs! >= 20_000);
});

Deno.test("a stream that lived long is opened again soon, one that broke at once is not", () => {
  const trial = trialOf();
  trial.start();
  for (let i = 0; i < 4; i++) {
    trial.close();
    trial.elapse();
  }
  trial.open();
  trial.hear({ type: "map", map: netMap({ seq: 5 }) });
  assert.equal(statusOf(trial.close())?.retryInMs, 12_000);
  trial.elapse();
  trial.open();
  trial.hear({ type: "map", map: netMap({ seq: 5 }) });
  trial.now += 60_000;
  assert.equal(statusOf(trial.close())?.retryInMs, 750);
});

Deno.test("a server that sends no map is left and tried again", () => {
  const trial = trialOf();
  trial.start();
  trial.open();
  const actions = trial.elapse();
  assert.equal(actions[0]?.type, "socket.close");
  assert.equal(statusOf(actions)?.control, "unreachable");
});

const finalEnds: [string, SocketEnd][] = [
  ["INVALID_NODE_KEY at the upgrade", { refusal: { code: "INVALID_NODE_KEY", message: "Unknown node key" } }],
  ["INVALID_NODE_KEY on the stream", { code: CLOSE_REFUSED, reason: "INVALID_NODE_KEY" }],
  ["KEY_EXPIRED on the stream", { code: CLOSE_REFUSED, reason: "KEY_EXPIRED" }],
];
for (const [where, end] of finalEnds) {
  Deno.test(`${where} voids the map, is said with what to do, and ends all attempts`, () => {
    const trial = trialOf(netMap({ seq: 5 }));
    trial.start();
    const actions = trial.close(end);
    assert.deepEqual(kinds(actions), ["map.void", "status"]);
    assert.equal(statusOf(actions)?.control, "refused");
    assert.match(statusOf(actions)!.problem!, /: ztna up --auth-key$/);
    assert.equal(statusOf(actions)?.refusal, where.split(" ")[0]);
    assert.equal(trial.session.nextTimeout(), undefined);
    assert.deepEqual(trial.wake(), []);
  });
}

Deno.test("a refusal that may end is tried again slowly and says why", () => {
  const trial = trialOf();
  trial.start();
  const status = statusOf(
    trial.close({ refusal: { code: "PENDING_APPROVAL", message: "Machine is pending approval" } }),
  );
  assert.equal(status?.control, "refused");
  assert.equal(status?.problem, "Machine is pending approval");
  assert.ok(status!.retryInMs! >= 30_000);
  assert.deepEqual(kinds(trial.elapse()).slice(0, 1), ["socket.open"]);
});

Deno.test("an agent that another one replaced comes back soon, then ever more slowly", () => {
  const trial = trialOf();
  trial.goLive();
  const pauses = Array.from({ length: 7 }, () => {
    const status = statusOf(trial.close({ code: CLOSE_REPLACED, reason: "replaced" }));
    assert.match(status!.problem!, /Another agent/);
    trial.elapse();
    trial.open();
    trial.hear({ type: "map", map: netMap({ seq: 6 }) });
    return status?.retryInMs;
  });
  assert.deepEqual(pauses, [750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000]);
});

Deno.test("an agent whose keys another host has leaves them to it, and asks for new ones", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(kinds(trial.close({ code: CLOSE_CLONED, reason: "cloned" })), ["map.void", "cloned"]);
  assert.equal(trial.session.nextTimeout(), undefined);
});

Deno.test("an agent whose keys were copied says so and goes on", () => {
  const trial = trialOf();
  trial.start();
  trial.open();
  trial.hear({ type: "clone_seen" });
  const actions = trial.hear({ type: "map", map: netMap({ seq: 5 }) });
  assert.equal(statusOf(actions)?.control, "connected");
  assert.match(statusOf(actions)!.problem!, /copy of this machine's keys/);
});

Deno.test("what the person set stands in every hello until the control plane has answered", () => {
  const trial = trialOf(undefined, { shields_up: true });
  const settingsIn = (actions: SessionAction[]) => {
    const [first] = actions;
    assert.ok(first?.type === "send" && first.message.type === "hello");
    return first.message.settings;
  };
  trial.start();
  assert.deepEqual(settingsIn(trial.open()), { shields_up: true });
  trial.close();
  trial.elapse();
  assert.deepEqual(settingsIn(trial.open()), { shields_up: true });
  const refused = ["exit nodes not allowed for this org"];
  assert.deepEqual(trial.hear({ type: "settled", refused }), [{ type: "settled", refused }]);
  trial.close();
  trial.elapse();
  assert.equal(settingsIn(trial.open()), undefined);
});

Deno.test("a setting that changes while another one is under way is not forgotten", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(sent(trial.set({ shields_up: true })), ["update"]);
  assert.deepEqual(sent(trial.set({ ssh_enabled: true })), ["update"]);
  trial.hear({ type: "settled", refused: [] });
  assert.deepEqual(trial.session.settings, { shields_up: true, ssh_enabled: true });
  trial.hear({ type: "settled", refused: [] });
  assert.equal(trial.session.settings, undefined);
});

Deno.test("settings go with the heartbeat where WebSockets are blocked", () => {
  const trial = trialOf(netMap({ seq: 5 }), { shields_up: true });
  trial.start();
  trial.close();
  trial.elapse();
  trial.close();
  const actions = trial.heartbeat({ ...answer, refused: ["no"] });
  assert.ok(actions.some((action) => action.type === "settled" && action.refused[0] === "no"));
  assert.equal(trial.session.settings, undefined);
  assert.ok(kinds(trial.set({ shields_up: false })).includes("heartbeat"));
});

Deno.test("a command is done once and acknowledged each time it comes", () => {
  const trial = trialOf();
  trial.goLive();
  const commands: OrgMessage = { type: "commands", commands: [{ id: "1", command: "lock_device" }] };
  assert.deepEqual(trial.hear(commands), [{ type: "command", command: { id: "1", command: "lock_device" } }]);
  assert.deepEqual(trial.hear(commands), []);
  const acknowledged = [{
    type: "send",
    message: { type: "command_done", result: { id: "1", done: true, said: "done" } },
  }];
  assert.deepEqual(trial.commandDone("1"), acknowledged);
  trial.close();
  trial.elapse();
  trial.open();
  trial.hear({ type: "map", map: netMap({ seq: 6 }) });
  assert.deepEqual(trial.hear(commands), acknowledged);
});

Deno.test("where WebSockets are blocked, agent_commands come with one heartbeat and are acknowledged with the next", () => {
  const trial = trialOf();
  trial.start();
  const beat = () => trial.heartbeat({ ...answer, commands: [{ id: "1", command: "wipe_device" }] });
  assert.ok(kinds(beat()).includes("command"));
  assert.deepEqual(trial.session.commandResults, []);
  assert.deepEqual(sent(trial.commandDone("1")), []);
  assert.deepEqual(trial.session.commandResults, [{ id: "1", done: true, said: "done" }]);
  assert.ok(!kinds(beat()).includes("command"));
});

Deno.test("a latency that wobbles is not told", () => {
  const trial = trialOf();
  trial.goLive();
  const tell = (blr1: number) => {
    const out: SessionAction[] = [];
    trial.session.handleOwnAddresses({ ...OWN, telemetry: { derp_latencies: { blr1 } } }, out);
    return sent(out);
  };
  assert.deepEqual([12, 14, 9, 40, 44].map(tell), [["update"], [], [], ["update"], []]);
});

Deno.test("one reconnect brings a machine that missed everything to what the control plane knows", () => {
  const trial = trialOf(netMap({ seq: 5, peers: [peer("a"), peer("b")] }));
  trial.start();
  for (let times = 0; times < 3; times++) {
    trial.close();
    trial.elapse();
  }
  trial.open();
  const map = netMap({ seq: 40, peers: [peer("b", { name: "renamed" }), peer("c")] });
  const self = { ...map.self, name: "new-name", status: "quarantined" as const, shields_up: true };
  const actions = trial.hear({ type: "map", map: { ...map, self, peers: map.peers } });
  assert.deepEqual(mapOf(actions)?.peers.map(({ name }) => name), ["renamed", "c"]);
  assert.deepEqual(mapOf(actions)?.self, self);
  assert.match(statusOf(actions)!.problem!, /quarantined/);
  assert.equal(trial.session.map?.seq, 40);
});

const answer = {
  ok: true,
  map: netMap({ seq: 7, peers: [peer("x")] }),
  ticket: null,
  token: "t",
  expiresInS: 60,
  refused: undefined,
} as const;

Deno.test("two failed sockets call for a heartbeat, whose peers become the map", () => {
  const trial = trialOf(netMap({ seq: 5, peers: [peer("a")] }));
  trial.start();
  assert.ok(!kinds(trial.close()).includes("heartbeat"));
  trial.elapse();
  assert.ok(kinds(trial.close()).includes("heartbeat"));
  const actions = trial.heartbeat(answer);
  assert.deepEqual(mapOf(actions)?.peers.map(({ name }) => name), ["x"]);
  assert.equal(statusOf(actions)?.control, "connected");
  assert.match(statusOf(actions)!.problem!, /WebSockets/);
});

Deno.test("heartbeats go on at their interval while sockets fail, and end when one works", () => {
  const trial = trialOf(netMap({ seq: 5 }));
  trial.start();
  trial.close();
  trial.elapse();
  trial.close();
  trial.heartbeat(answer);
  const start = trial.now;
  let beats = 0;
  while (trial.now < start + 240_000) {
    const actions = trial.elapse();
    if (kinds(actions).includes("heartbeat")) {
      beats++;
      trial.heartbeat(answer);
    }
    if (kinds(actions).includes("socket.open")) trial.close();
  }
  assert.ok(beats >= 3 && beats <= 5, `${beats} heartbeats in 4 minutes`);
  while (!kinds(trial.elapse()).includes("socket.open"));
  const [hello] = trial.open();
  assert.ok(hello?.type === "send" && hello.message.type === "hello");
  assert.equal(hello.message.seq, answer.map.seq);
  trial.hear({ type: "map", map: netMap({ seq: 8 }) });
  assert.equal(trial.session.nextTimeout(), undefined);
});

Deno.test("a heartbeat brings the first map as well, its flags and a token", () => {
  const trial = trialOf();
  trial.start();
  trial.close();
  trial.elapse();
  trial.close();
  const map = netMap({ seq: 7 });
  const actions = trial.heartbeat({ ...answer, map: { ...map, self: { ...map.self, shields_up: true } } });
  assert.equal(mapOf(actions)?.self.shields_up, true);
  assert.ok(kinds(actions).includes("token"));
});

Deno.test("a heartbeat that is refused for an unknown key ends all attempts", () => {
  const trial = trialOf();
  trial.start();
  trial.close();
  trial.elapse();
  trial.close();
  assert.deepEqual(kinds(trial.heartbeat({ ok: false, code: "INVALID_NODE_KEY", message: "" })), [
    "map.void",
    "status",
  ]);
  assert.equal(trial.session.nextTimeout(), undefined);
});

Deno.test("a goodbye is said on the stream and waits to be heard", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(sent(trial.bye()), ["bye"]);
  const actions = trial.hear({ type: "bye_heard" });
  assert.deepEqual(actions.at(-1), { type: "finished", heard: true });
});

Deno.test("a goodbye nobody hears ends by itself within three seconds", () => {
  const trial = trialOf();
  trial.goLive();
  const before = trial.now;
  trial.bye();
  assert.deepEqual(trial.elapse().at(-1), { type: "finished", heard: false });
  assert.ok(trial.now - before <= 3_000);
});

Deno.test("a goodbye without a stream is a heartbeat that says offline", () => {
  const trial = trialOf();
  trial.start();
  trial.close();
  assert.deepEqual(trial.bye(), [{ type: "heartbeat", status: "offline" }]);
  assert.deepEqual(trial.heartbeat(answer).at(-1), { type: "finished", heard: true });
});

Deno.test("a stream that breaks during the goodbye is replaced by a heartbeat", () => {
  const trial = trialOf();
  trial.goLive();
  trial.bye();
  assert.deepEqual(trial.close(), [{ type: "heartbeat", status: "offline" }]);
});

Deno.test("a wake-up opens a new stream at once", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(kinds(trial.wake()), ["socket.close", "socket.open", "status"]);
});

Deno.test("who is still there is asked on an open stream, and not again before half a minute", () => {
  const trial = new Trial();
  const asked = [{ type: "send", message: { type: "look_wanted" } }];
  assert.deepEqual(trial.look(), []);
  trial.goLive();
  assert.deepEqual(trial.look(), asked);
  trial.now += 29_999;
  assert.deepEqual(trial.look(), []);
  trial.now += 1;
  assert.deepEqual(trial.look(), asked);
});

Deno.test("changed addresses are told once, on a stream that is open", () => {
  const trial = trialOf();
  trial.goLive();
  const tell = (endpoint: string) => {
    const out: SessionAction[] = [];
    trial.session.handleOwnAddresses({ endpoints: [endpoint], relayRegion: "blr1" }, out);
    return sent(out);
  };
  assert.deepEqual(tell("192.0.2.9:41641"), ["update"]);
  assert.deepEqual(tell("192.0.2.9:41641"), []);
});

Deno.test("a ticket is asked for once and again when none came", () => {
  const trial = trialOf();
  trial.goLive();
  assert.deepEqual(sent(trial.wantTicket()), ["ticket_wanted"]);
  assert.deepEqual(sent(trial.wantTicket()), []);
  assert.deepEqual(sent(trial.elapse()), ["ticket_wanted"]);
  const ticket = { ticket: "t", expires_at: "2030-01-01T00:00:00.000Z", expires_in: 600 };
  assert.deepEqual(kinds(trial.hear({ type: "ticket", ticket })), ["ticket"]);
  assert.equal(trial.session.nextTimeout(), undefined);
});

Deno.test("a ticket that comes with the first map is not asked for", () => {
  const trial = trialOf();
  trial.start();
  trial.open();
  assert.deepEqual(sent(trial.wantTicket()), []);
  assert.deepEqual(sent(trial.hear({ type: "map", map: netMap({ seq: 5 }) })), []);
  trial.hear({ type: "ticket", ticket: { ticket: "t", expires_at: "2030-01-01T00:00:00.000Z", expires_in: 600 } });
  assert.equal(trial.session.nextTimeout(), undefined);
});

Deno.test("a quarantined machine is told so", () => {
  const trial = trialOf();
  const map = netMap({ seq: 5 });
  const actions = trial.goLive({ ...map, self: { ...map.self, status: "quarantined" } });
  assert.match(statusOf(actions)!.problem!, /quarantined/);
});
