import { isCarried } from "#domain/netmap/build.ts";
import { telemetryOf } from "#domain/machine/telemetry.ts";
import { relayTicketFor } from "#domain/relay/machine-ticket.ts";
import { signMachineToken } from "#domain/secrets/machine-token.ts";
import {
  type AgentMessage,
  CLOSE_CLONED,
  CLOSE_REFUSED,
  CLOSE_REPLACED,
  NODE_KEY_HASH_HEADER,
  PUBLIC_HOST_HEADER,
  readAgentMessage,
} from "#protocol/control/messages.ts";
import type { OwnSettings } from "#protocol/api/machines.ts";
import { type ErrorCode, ZtnaError } from "#protocol/errors.ts";
import { type MachineId, orgRoutingTag } from "#protocol/ids.ts";
import type { Config } from "../../worker/config.ts";
import { pendingCommands, takeResults } from "./agent-commands.ts";
import type { Change } from "./change.ts";
import { claimOf, isProven } from "./claims.ts";
import {
  findReplaced,
  type MachineReport,
  type OfflineReason,
  reclaimNodeKey,
  requireMachine,
  takeReport,
} from "./machine-changes.ts";
import { settleOwn } from "./machine-settings.ts";
import { MapDelivery } from "./map-delivery.ts";
import { mapRulesOf } from "./net-map.ts";
import { type Attachment, attachmentOf, OpenStreams, retire, send } from "./open-streams.ts";
import { findMachine, machineOf, type MachineRow } from "./store/machines.ts";
import type { ConfiguredOrg } from "./store/org.ts";

/** What the object lends to its streams. */
export interface Org {
  readonly ctx: DurableObjectState;
  readonly config: Config;
  readonly read: () => ConfiguredOrg;
  readonly write: <T>(work: (change: Change) => T) => T;
}

const MOST_MESSAGE_CHARS = 16_384;
/** Starts of an agent that are remembered with the one which took their place. */
const MOST_DISPLACED = 8;

const replaced = [CLOSE_REPLACED, "replaced"] as const;
const cloned = [CLOSE_CLONED, "cloned"] as const;

/** The agents of an org on their control streams: who is let in, what they say, and what they are told besides the map. */
export class ControlStreams {
  readonly #org: Org;
  readonly #open: OpenStreams;
  readonly #maps: MapDelivery;

  constructor(org: Org) {
    this.#org = org;
    this.#open = new OpenStreams(org.ctx);
    this.#maps = new MapDelivery(org, this.#open);
  }

  /** Takes a stream that the Worker handed on. */
  accept(request: Request): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    try {
      this.#admit(server, request);
    } catch (error) {
      if (!(error instanceof ZtnaError)) throw error;
      server.accept();
      server.close(CLOSE_REFUSED, error.code);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  isConnected(id: MachineId): boolean {
    return this.#open.of(id).length > 0;
  }

  lastHeard(): ReadonlyMap<MachineId, number> {
    return this.#open.lastHeard();
  }

  handleMessage(socket: WebSocket, text: string): void {
    const known = attachmentOf(socket) ?? this.#settleClaim(socket, text);
    if (known === undefined) return;
    const attachment = { ...known, heardAt: Date.now() };
    socket.serializeAttachment(attachment);
    if (text.length > MOST_MESSAGE_CHARS) {
      socket.close(1009, "message too big");
      return this.handleClose(socket);
    }
    const message = readAgentMessage(text);
    if (message === undefined) return;
    const row = findMachine(this.#org.ctx.storage.sql, attachment.machineId);
    if (row === undefined) return retire(socket, CLOSE_REFUSED, "INVALID_NODE_KEY" satisfies ErrorCode);
    this.#handle(socket, attachment, row, message);
  }

  /** A stream that ended takes its machine offline, unless another one of it is open. */
  handleClose(socket: WebSocket): void {
    const attachment = attachmentOf(socket);
    if (attachment === undefined) return;
    socket.serializeAttachment(null);
    if (this.isConnected(attachment.machineId)) return;
    const row = findMachine(this.#org.ctx.storage.sql, attachment.machineId);
    if (row !== undefined) this.#report(row, { status: "offline" }, "connection_closed");
  }

  /** Closes the stream of a machine that was found silent: its other end is gone. */
  dropSilent(id: MachineId): void {
    for (const { socket } of this.#open.of(id)) retire(socket, 1001, "silent");
  }

  /** Tells every agent what a committed change means for its map. */
  tell(change: Change): void {
    for (const id of change.commanded) this.#command(id);
    if (change.machines.length + change.deleted.length === 0 && !change.changesAllMaps) return;
    for (const { id } of change.deleted) this.#refuse(id, "INVALID_NODE_KEY");
    for (const { before, after } of change.machines) {
      if (before !== undefined && before.node_key_hash !== after.node_key_hash) this.#replace(before, after);
      if (after.key_expired === 1) this.#refuse(after.id, "KEY_EXPIRED");
    }
    this.#maps.tell(change);
  }

  #admit(server: WebSocket, request: Request): void {
    const { ctx, read } = this.#org;
    const now = Date.now();
    const org = read();
    const nodeKeyHash = request.headers.get(NODE_KEY_HASH_HEADER) ?? "";
    const host = request.headers.get(PUBLIC_HOST_HEADER) ?? "";
    const replaced = findReplaced(ctx.storage.sql, nodeKeyHash, now);
    const { id: machineId } = replaced ?? requireMachine(ctx.storage.sql, org, nodeKeyHash, now);
    this.#open.accept(
      server,
      replaced === undefined
        ? { kind: "control", machineId, host, heardAt: now, reclaimed: false }
        : { kind: "claim", machineId, host, nodeKeyHash },
    );
  }

  /** Makes a claim the machine's stream when its first message proves it. */
  #settleClaim(socket: WebSocket, text: string): Attachment | undefined {
    const claim = claimOf(socket);
    if (claim === undefined) return undefined;
    const { ctx, write } = this.#org;
    const { machineId, host, nodeKeyHash } = claim;
    const now = Date.now();
    const row = findReplaced(ctx.storage.sql, nodeKeyHash, now);
    if (row === undefined || !isProven(claim, row.machine_key, readAgentMessage(text))) {
      retire(socket, CLOSE_REFUSED, "INVALID_NODE_KEY" satisfies ErrorCode);
      return undefined;
    }
    write((change) => reclaimNodeKey(change, row, nodeKeyHash));
    return { kind: "control", machineId, host, heardAt: now, reclaimed: true };
  }

  #handle(socket: WebSocket, attachment: Attachment, row: MachineRow, message: AgentMessage): void {
    switch (message.type) {
      case "hello": {
        const { wireguard_public_key: publicKey, endpoints, relay_region: relayRegion, version } = message;
        const report = { publicKey, endpoints, relayRegion, version, telemetry: telemetryOf(message) };
        const twin = this.#takePlace(socket, attachment, row, message.instance);
        const after = this.#take(socket, row, report, message.settings);
        this.#maps.bringUpToDate(socket, { ...attachment, ...twin }, after, message);
        this.#sendCredentials(socket, after);
        this.#sendCommands(socket, after);
        break;
      }
      case "update": {
        const { endpoints, relay_region: relayRegion, settings } = message;
        this.#take(socket, row, { endpoints, relayRegion, telemetry: telemetryOf(message) }, settings);
        break;
      }
      case "ticket_wanted":
        this.#sendCredentials(socket, row);
        break;
      case "map_wanted":
        this.#maps.sendMap(socket, attachment, row);
        break;
      case "look_wanted":
        // Each message is followed by one.
        break;
      case "command_done":
        this.#org.write((change) => takeResults(change, row, [message.result]));
        break;
      case "bye":
        socket.serializeAttachment(null);
        this.#report(row, { status: "offline" }, "client_shutdown");
        send(socket, { type: "bye_heard" });
        break;
    }
  }

  /**
   * Takes the place of older streams of the machine. One whose own place was taken and who is back proves that two agents
   * have the same keys: the younger of them must get its own.
   */
  #takePlace(
    socket: WebSocket,
    attachment: Attachment,
    { id, name }: MachineRow,
    instance: string | undefined,
  ): Partial<Attachment> {
    const older = this.#open.of(id).filter((stream) => stream.socket !== socket);
    const displaced = older.flatMap(({ attachment }) => [attachment.instance ?? [], attachment.displaced ?? []].flat());
    const isBack = instance !== undefined && older.some(({ attachment }) => attachment.displaced?.includes(instance));
    const [code, reason] = isBack ? cloned : replaced;
    for (const stream of older) retire(stream.socket, code, reason);
    if (isBack || attachment.reclaimed) send(socket, { type: "clone_seen" });
    if (!isBack) return { instance, displaced: displaced.filter((it) => it !== instance).slice(0, MOST_DISPLACED) };
    this.#org.write((change) => change.audit("machine.clone_parted", "machine", id, null, { name }));
    return { instance };
  }

  /** Takes what an agent that is there says of its machine and wants for it. */
  #take(
    socket: WebSocket,
    row: MachineRow,
    report: Omit<MachineReport, "status">,
    settings: OwnSettings | undefined,
  ): MachineRow {
    const { read, write, config } = this.#org;
    const { addressPool } = mapRulesOf(read(), config);
    const settled = write((change) => {
      const after = takeReport(change, row, { ...report, status: "online" }, "client_shutdown");
      return settleOwn(change, after, settings ?? {}, addressPool);
    });
    if (settings !== undefined) send(socket, { type: "settled", refused: [...settled.refused] });
    return settled.row;
  }

  #report(row: MachineRow, report: MachineReport, reason: OfflineReason): MachineRow {
    return this.#org.write((change) => takeReport(change, row, report, reason));
  }

  /** A fresh token, and a fresh ticket where the machine may use the relays. */
  #sendCredentials(socket: WebSocket, row: MachineRow): void {
    const { config, read } = this.#org;
    const { id: orgId } = read();
    const issuedAt = Math.floor(Date.now() / 1000);
    const lifetime = config.timings.machine_token_s;
    const claims = { machineId: row.id, orgId, nodeKeyHash: row.node_key_hash, issuedAt, lifetime };
    const token = signMachineToken(config.secret, claims);
    send(socket, { type: "token", token, expires_in: lifetime });
    if (!isCarried(machineOf(row, orgId))) return;
    const tag = orgRoutingTag(orgId);
    const ticket = relayTicketFor(config.secret, tag, row.public_key, Date.now(), config.timings.relay_ticket_s);
    send(socket, { type: "ticket", ticket });
  }

  #command(id: MachineId): void {
    const row = findMachine(this.#org.ctx.storage.sql, id);
    for (const { socket, attachment } of row === undefined ? [] : this.#open.of(id)) {
      if (attachment.seq !== undefined) this.#sendCommands(socket, row!);
    }
  }

  /** Whatever the agent has not acknowledged: what was sent before may be lost. */
  #sendCommands(socket: WebSocket, row: MachineRow): void {
    const commands = pendingCommands(this.#org.ctx.storage.sql, row);
    if (commands.length > 0) send(socket, { type: "commands", commands });
  }

  /** Ends the streams of a node key that is void; one that was given back was a copy's. */
  #replace(before: MachineRow, after: MachineRow): void {
    const [code, reason] = before.previous_node_key_hash === after.node_key_hash ? cloned : replaced;
    for (const { socket } of this.#open.of(after.id)) retire(socket, code, reason);
  }

  /** Tells an agent why it is not wanted any more, so that it stops trying. */
  #refuse(id: MachineId, code: ErrorCode): void {
    for (const { socket } of this.#open.of(id)) retire(socket, CLOSE_REFUSED, code);
  }
}
