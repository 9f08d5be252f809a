import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/*
 * Copies of each org object's tables, for reads across orgs. Written only by durable-objects/org/projection.ts; `rev` is the
 * object's revision of the row. Columns are those of the protocol schemas: times in milliseconds, booleans 0 or 1, lists and
 * details as JSON. Audit records of changes whose truth is in D1 come from worker/db/audit-logs.ts, with revision 0.
 */

export const machines = sqliteTable("machines", {
  id: text("id").primaryKey(),
  orgId: text("org_id").notNull(),
  rev: integer("rev").notNull(),
  name: text("name").notNull(),
  os: text("os"),
  status: text("status").notNull(),
  tailnetIp: text("tailnet_ip").notNull(),
  publicKey: text("public_key"),
  ownerId: text("owner_id"),
  authKeyId: text("auth_key_id"),
  ephemeral: integer("ephemeral").notNull(),
  tags: text("tags").notNull(),
  version: text("version"),
  endpoints: text("endpoints").notNull(),
  relayRegion: text("relay_region"),
  adminDisabled: integer("admin_disabled").notNull(),
  lastSeen: integer("last_seen").notNull(),
  createdAt: integer("created_at").notNull(),
  osVersionDetail: text("os_version_detail"),
  publicEndpoint: text("public_endpoint"),
  clientConnectivity: text("client_connectivity"),
  derpLatencies: text("derp_latencies"),
  keyExpiryDisabled: integer("key_expiry_disabled").notNull().default(0),
  shieldsUp: integer("shields_up").notNull().default(0),
  sshEnabled: integer("ssh_enabled").notNull().default(0),
  acceptRoutes: integer("accept_routes").notNull().default(0),
  advertiseExitNode: integer("advertise_exit_node").notNull().default(0),
  exitNodeApproved: integer("exit_node_approved").notNull().default(0),
  advertisedRoutes: text("advertised_routes").notNull().default("[]"),
  approvedRoutes: text("approved_routes").notNull().default("[]"),
  approvedBy: text("approved_by"),
  approvedAt: integer("approved_at"),
  keyCreatedAt: integer("key_created_at").notNull().default(0),
  keyExpired: integer("key_expired").notNull().default(0),
}, (table) => [index("machines_org").on(table.orgId, table.name)]);

export const authKeys = sqliteTable("auth_keys", {
  id: text("id").primaryKey(),
  orgId: text("org_id").notNull(),
  rev: integer("rev").notNull(),
  name: text("name").notNull(),
  keyPrefix: text("key_prefix").notNull(),
  reusable: integer("reusable").notNull(),
  ephemeral: integer("ephemeral").notNull(),
  usedCount: integer("used_count").notNull(),
  expiresAt: integer("expires_at").notNull(),
  revoked: integer("revoked").notNull(),
  allowedTags: text("allowed_tags"),
  allowedCidrs: text("allowed_cidrs"),
  createdBy: text("created_by"),
  createdAt: integer("created_at").notNull(),
}, (table) => [index("auth_keys_org").on(table.orgId)]);

export const auditLogs = sqliteTable("audit_logs", {
  id: text("id").primaryKey(),
  orgId: text("org_id").notNull(),
  rev: integer("rev").notNull(),
  action: text("action").notNull(),
  resourceType: text("resource_type").notNull(),
  resourceId: text("resource_id"),
  userId: text("user_id"),
  details: text("details").notNull(),
  createdAt: integer("created_at").notNull(),
}, (table) => [index("audit_logs_org_time").on(table.orgId, table.createdAt)]);
