import type { RealtimeChannel, RealtimeEvent } from "#protocol/realtime.ts";
import type { Change, MachineChange } from "./change.ts";
import { auditOf } from "./store/audit.ts";
import { authKeyOf } from "./store/auth-keys.ts";
import { machineOf, type MachineRow } from "./store/machines.ts";
import { settingsOf } from "./store/org.ts";

/** What a committed change means to people: one event for each row they see, as their lists show it. */
export function rowEvents({ org, now, machines, deleted, keys, settings, audits }: Change): RealtimeEvent[] {
  const event = (
    channel: RealtimeChannel,
    kind: RealtimeEvent["event"],
    payload: RealtimeEvent["payload"],
  ) => rowEvent(channel, kind, payload, now);
  return [
    ...machines.filter(isNoteworthy).map(({ before, after }) =>
      event("machines", before === undefined ? "INSERT" : "UPDATE", machineOf(after, org.id))
    ),
    ...deleted.map((row) => event("machines", "DELETE", machineOf(row, org.id))),
    ...keys.map(({ event: kind, row }) => event("keys", kind, authKeyOf(row, org.id))),
    ...(Object.keys(settings).length > 0 ? [event("general", "UPDATE", settingsOf(org))] : []),
    ...audits.map((row) => event("audit", "INSERT", auditOf(row, org.id))),
  ];
}

export function rowEvent(
  channel: RealtimeChannel,
  event: RealtimeEvent["event"],
  payload: RealtimeEvent["payload"],
  now: number,
): RealtimeEvent {
  return { type: "event", channel, event, payload, timestamp: new Date(now).toISOString() };
}

/** An agent's new endpoints or home relay are news to its peers, not to people. */
const noteworthy: readonly (keyof MachineRow)[] = [
  "status",
  "name",
  "tags",
  "public_key",
  "node_key_hash",
  "admin_disabled",
  "key_expiry_disabled",
  "key_expired",
  "shields_up",
  "ssh_enabled",
  "accept_routes",
  "advertise_exit_node",
  "exit_node_approved",
  "advertised_routes",
  "approved_routes",
];

function isNoteworthy({ before, after }: MachineChange): boolean {
  return before === undefined || noteworthy.some((column) => before[column] !== after[column]);
}
