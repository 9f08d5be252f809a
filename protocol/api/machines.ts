import * as v from "valibot";
import { authKeyIdSchema, machineIdSchema, orgIdSchema, userIdSchema } from "../ids.ts";
import { machineKeySchema, nodeKeySchema, wireGuardPublicKeySchema } from "../keys.ts";
import { machineFlagsSchema, netMapSchema, relayTicketSchema } from "../netmap.ts";
import { agentCommandSchema, commandResultSchema } from "./agent-commands.ts";
import { endpoint } from "./endpoint.ts";
import { postureSchema } from "./posture.ts";

export const machineStatuses = ["pending", "online", "offline", "quarantined"] as const;
export type MachineStatus = (typeof machineStatuses)[number];
export const machineStatusSchema = v.picklist(machineStatuses);

/** What an agent finds out about its own network (contract 8.3). */
export const clientConnectivitySchema = v.object({
  ipv6: v.optional(v.boolean()),
  udp: v.optional(v.boolean()),
  upnp: v.optional(v.boolean()),
  pmp: v.optional(v.boolean()),
  pcp: v.optional(v.boolean()),
  hairpinning: v.optional(v.boolean()),
  mapping_varies: v.optional(v.boolean()),
  preferred_derp: v.optional(v.pipe(v.string(), v.maxLength(32))),
  firewall_mode: v.optional(v.picklist(["none", "nftables", "iptables"])),
});
export type ClientConnectivity = v.InferOutput<typeof clientConnectivitySchema>;

/** Relay region -> round trip in milliseconds. */
export const derpLatenciesSchema = v.pipe(
  v.record(v.pipe(v.string(), v.maxLength(32)), v.pipe(v.number(), v.minValue(0), v.maxValue(60_000))),
  v.maxEntries(64),
);
export type DerpLatencies = v.InferOutput<typeof derpLatenciesSchema>;

/** A machine as lists show it; times are ISO 8601. */
export const machineSchema = v.object({
  id: machineIdSchema,
  org_id: orgIdSchema,
  name: v.string(),
  os: v.nullable(v.string()),
  os_version_detail: v.nullable(v.string()),
  status: machineStatusSchema,
  tailnet_ip: v.string(),
  public_key: v.nullable(v.string()),
  owner_id: v.nullable(userIdSchema),
  auth_key_id: v.nullable(authKeyIdSchema),
  ephemeral: v.boolean(),
  tags: v.array(v.string()),
  version: v.nullable(v.string()),
  endpoints: v.array(v.string()),
  public_endpoint: v.nullable(v.string()),
  relay_region: v.nullable(v.string()),
  client_connectivity: v.nullable(clientConnectivitySchema),
  derp_latencies: v.nullable(derpLatenciesSchema),
  admin_disabled: v.boolean(),
  key_expiry_disabled: v.boolean(),
  /** The end of its node key has taken it off the network. */
  key_expired: v.boolean(),
  shields_up: v.boolean(),
  ssh_enabled: v.boolean(),
  accept_routes: v.boolean(),
  advertise_exit_node: v.boolean(),
  exit_node_approved: v.boolean(),
  /** IP prefixes it offers to carry, and those of them an admin has approved. */
  advertised_routes: v.array(v.string()),
  approved_routes: v.array(v.string()),
  approved_by: v.nullable(userIdSchema),
  approved_at: v.nullable(v.string()),
  last_seen: v.string(),
  /** When its node key was issued: the base of key expiry. */
  key_created_at: v.string(),
  created_at: v.string(),
});
export type Machine = v.InferOutput<typeof machineSchema>;

const strings = (field: string, most: number) =>
  v.pipe(
    v.array(v.pipe(v.string(`${field} must be strings`), v.maxLength(100)), `${field} must be an array`),
    v.maxLength(most, `${field} must have at most ${most} entries`),
  );

const flag = (field: string) => v.optional(v.boolean(`${field} must be true or false`));

/** What a machine may decide for itself, as far as its auth key and its org allow; absent means unchanged. */
export const machineSettingsSchema = v.object({
  tags: v.optional(strings("tags", 100)),
  shields_up: flag("shields_up"),
  ssh_enabled: flag("ssh_enabled"),
  accept_routes: flag("accept_routes"),
  advertise_exit_node: flag("advertise_exit_node"),
  /** IP prefixes it offers to carry for others. */
  advertise_routes: v.optional(strings("advertise_routes", 100)),
});
export type MachineSettings = v.InferOutput<typeof machineSettingsSchema>;

/** Settings of a machine that is registered already, its name among them. */
export const ownSettingsSchema = v.object({
  ...machineSettingsSchema.entries,
  name: v.optional(v.pipe(v.string("name must be a string"), v.maxLength(100, "Name must be 1-100 characters"))),
});
export type OwnSettings = v.InferOutput<typeof ownSettingsSchema>;

/** What a machine finds out about itself; absent means unchanged. */
export const machineTelemetrySchema = v.object({
  os_version_detail: v.optional(v.pipe(v.string("os_version_detail must be a string"), v.maxLength(200))),
  /** `ip:port` at which others on the internet see it. */
  public_endpoint: v.optional(v.pipe(v.string("public_endpoint must be a string"), v.maxLength(64))),
  connectivity: v.optional(clientConnectivitySchema),
  derp_latencies: v.optional(derpLatenciesSchema),
});
export type MachineTelemetry = v.InferOutput<typeof machineTelemetrySchema>;

/** `ip:port` or `[ip6]:port` of a UDP socket. */
const endpoints = strings("endpoints", 32);

export const registerMachine = endpoint({
  method: "POST",
  path: "/api/register-machine",
  caller: "anyone",
  request: v.object({
    auth_key: v.string("auth_key must be a string"),
    name: v.string("name must be a string"),
    os: v.optional(v.pipe(v.string("os must be a string"), v.maxLength(100))),
    version: v.optional(v.pipe(v.string("version must be a string"), v.maxLength(100))),
    os_version_detail: machineTelemetrySchema.entries.os_version_detail,
    ...machineSettingsSchema.entries,
    posture: v.optional(postureSchema),
    wireguard_public_key: v.optional(wireGuardPublicKeySchema),
    machine_key: v.optional(machineKeySchema),
    /** Ed25519 over `registrationStatement`, 128 hex digits; needed when `machine_key` is given. */
    machine_key_signature: v.optional(
      v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/, "machine_key_signature must be 128 hex digits")),
    ),
  }),
  response: v.object({
    machine_id: machineIdSchema,
    tailnet_ip: v.string(),
    org_id: orgIdSchema,
    name: v.string(),
    /** The machine's credential to the API. Secret; this answer is the only place it appears. */
    node_key: nodeKeySchema,
    status: machineStatusSchema,
    wg_public_key: v.string(),
    /** Only for a caller that sent no key of its own, otherwise empty. */
    wg_private_key: v.string(),
    token: v.string(),
    refresh_token: v.literal(""),
    expires_in: v.number(),
    /** True when this machine or name was registered before and has kept its id and address. */
    reactivated: v.boolean(),
    /** One sentence for each setting that was not granted. */
    refused: v.optional(v.array(v.string())),
    /** Present when posture was sent. */
    posture_compliant: v.optional(v.boolean()),
  }),
  refusals: [
    "RATE_LIMITED",
    "MISSING_FIELDS",
    "INVALID_INPUT",
    "INVALID_KEY",
    "KEY_USED",
    "IP_NOT_ALLOWED",
    "QUOTA_EXCEEDED",
    "REGISTRATION_CONFLICT",
  ],
});

export const machineHeartbeat = endpoint({
  method: "POST",
  path: "/api/machine-heartbeat",
  caller: "machine",
  request: v.object({
    node_key: v.string("node_key must be a string"),
    status: v.optional(v.picklist(["online", "offline"], "status must be online or offline"), "online"),
    wg_public_key: v.optional(wireGuardPublicKeySchema),
    endpoints: v.optional(endpoints),
    version: v.optional(v.pipe(v.string(), v.maxLength(100))),
    relay_region: v.optional(v.pipe(v.string(), v.maxLength(32))),
    ...machineTelemetrySchema.entries,
    settings: v.optional(ownSettingsSchema),
    /** Acknowledges `agent_commands` of the answers before. */
    command_results: v.optional(v.pipe(v.array(commandResultSchema), v.maxLength(32)), []),
  }),
  /** The machine's whole map besides its state: an agent can do without the control stream. */
  response: v.object({
    ...netMapSchema.entries,
    ...machineFlagsSchema.entries,
    status: machineStatusSchema,
    quarantined: v.optional(v.boolean()),
    admin_disabled: v.optional(v.boolean()),
    token: v.string(),
    expires_in: v.number(),
    /** Milliseconds of the control plane's clock. */
    now: v.optional(v.number()),
    /** Something newer than the machine's version is released for its system. */
    update_available: v.optional(v.boolean()),
    relay_ticket: v.nullable(relayTicketSchema),
    /** What the agent has yet to do, until it acknowledges. */
    agent_commands: v.optional(v.array(agentCommandSchema), []),
    /** Present when the request had settings: one sentence for each that was not granted. */
    refused: v.optional(v.array(v.string())),
  }),
  refusals: ["MISSING_FIELDS", "INVALID_NODE_KEY", "PENDING_APPROVAL", "KEY_EXPIRED"],
});
