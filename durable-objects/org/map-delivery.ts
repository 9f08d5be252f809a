import { viewOf } from "#domain/netmap/build.ts";
import type { AgentMessage } from "#protocol/control/messages.ts";
import type { MachineId } from "#protocol/ids.ts";
import type { ResumedMap } from "#protocol/netmap.ts";
import { Burst } from "./burst.ts";
import { missedBy } from "./catch-up.ts";
import type { Change, MachineChange } from "./change.ts";
import type { Org } from "./control-streams.ts";
import { DeltaTexts } from "./delta-texts.ts";
import { mapRulesOf, netMapOf } from "./net-map.ts";
import { type Attachment, type OpenStreams, send } from "./open-streams.ts";
import { PeerTexts } from "./peer-texts.ts";
import { type Listener, type Shift, viewAfter } from "./roster.ts";
import { findMachine, listMachines, machineOf, type MachineRow } from "./store/machines.ts";

/** At most so often hears each agent of changes, however many there are: a thousand that arrive would mean a million messages. */
const BURST_MS = 100;

/** Brings the network map to the open streams, and keeps up with it what each agent has. */
export class MapDelivery {
  readonly #org: Org;
  readonly #open: OpenStreams;
  readonly #peers: PeerTexts;
  readonly #deltas = new Burst<Change>(BURST_MS, (changes) => this.#sendDeltas(changes));

  constructor(org: Org, open: OpenStreams) {
    this.#org = org;
    this.#open = open;
    this.#peers = new PeerTexts(org.ctx.storage.sql);
  }

  /** Tells everybody who has a map what a committed change means for it. */
  tell(change: Change): void {
    this.#peers.apply(change);
    if (change.changesAllMaps) this.#sendAllMaps();
    else this.#deltas.add(change);
  }

  /** Tells an agent that still has a map what it missed, and others everything. */
  bringUpToDate(
    socket: WebSocket,
    attachment: Attachment,
    row: MachineRow,
    known: AgentMessage & { type: "hello" },
  ): void {
    const { ctx, config, read } = this.#org;
    const org = read();
    const view = viewOf(machineOf(row, org.id), mapRulesOf(org, config));
    const listener = { machineId: row.id, seq: known.seq ?? -1, view };
    const missed = known.view === view ? missedBy(ctx.storage.sql, org, listener) : undefined;
    if (missed === undefined) return this.sendMap(socket, attachment, row);
    send(socket, { type: "resumed", now: Date.now(), ...missed, map: this.#mapWithoutPeers(attachment, row) });
    socket.serializeAttachment({ ...attachment, seq: org.seq, view } satisfies Attachment);
  }

  sendMap(socket: WebSocket, attachment: Attachment, row: MachineRow): void {
    const org = this.#org.read();
    const map = JSON.stringify(this.#mapWithoutPeers(attachment, row)).slice(0, -1);
    const view = viewOf(machineOf(row, org.id), mapRulesOf(org, this.#org.config));
    const peers = view === "apart" ? "[]" : this.#peers.listFor(row.id, org.id, view === "routed");
    socket.send(`{"type":"map","now":${Date.now()},"map":${map},"peers":${peers}}}`);
    socket.serializeAttachment({ ...attachment, seq: org.seq, view } satisfies Attachment);
  }

  /** To everybody who has one. */
  #sendAllMaps(): void {
    for (const { socket, attachment } of this.#open.all()) {
      const row = attachment.seq === undefined
        ? undefined
        : findMachine(this.#org.ctx.storage.sql, attachment.machineId);
      if (row !== undefined) this.sendMap(socket, attachment, row);
    }
  }

  #sendDeltas(changes: readonly Change[]): void {
    /** By the first change that is news: who got a whole map meanwhile hears less. */
    const shifts = new Map<number, DeltaTexts>();
    for (const { socket, attachment } of this.#open.all()) {
      const { machineId, seq, view } = attachment;
      const first = seq === undefined ? -1 : changes.findIndex((change) => change.org.seq > seq);
      if (seq === undefined || view === undefined || first === -1) continue;
      const texts = shifts.get(first) ?? new DeltaTexts(this.#shiftOf(changes.slice(first)));
      shifts.set(first, texts);
      const listener: Listener = { machineId, seq, view };
      const text = texts.textFor(listener);
      if (text === undefined) continue;
      socket.send(text);
      socket.serializeAttachment({ ...attachment, seq: texts.shift.seq, view: viewAfter(listener, texts.shift) });
    }
  }

  /** What several changes come to: each machine from its first state to its last. */
  #shiftOf(changes: readonly Change[]): Shift {
    const { ctx, config } = this.#org;
    const { org } = changes.at(-1)!;
    const { id, seq } = org;
    const machines = new Map<MachineId, Shift["machines"][number]>();
    for (const { before, after } of changes.flatMap(stepsOf)) {
      const first = machines.has(after.id) ? machines.get(after.id)!.before : before && machineOf(before, id);
      machines.set(after.id, { before: first, after: machineOf(after, id) });
    }
    return {
      machines: [...machines.values()],
      seq,
      rules: mapRulesOf(org, config),
      all: () => listMachines(ctx.storage.sql).map((machine) => machineOf(machine, id)),
    };
  }

  #mapWithoutPeers({ host }: Attachment, row: MachineRow): ResumedMap["map"] {
    const { ctx, config, read } = this.#org;
    const { peers: _, ...map } = netMapOf(ctx.storage.sql, read(), config, host, row, []);
    return map;
  }
}

/** To its peers a deleted machine is one that was set apart for good. */
function stepsOf({ machines, deleted }: Change): MachineChange[] {
  return [...machines, ...deleted.map((row) => ({ before: row, after: { ...row, status: "quarantined" as const } }))];
}
