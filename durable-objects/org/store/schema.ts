/** Each entry brings the tables from one version to the next; released ones are never edited. */
const versions: readonly string[][] = [
  [
    `CREATE TABLE org (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      id TEXT NOT NULL,
      name TEXT NOT NULL,
      slug TEXT NOT NULL,
      rev INTEGER NOT NULL DEFAULT 0,
      seq INTEGER NOT NULL DEFAULT 1,
      machine_count INTEGER NOT NULL DEFAULT 0,
      next_address INTEGER NOT NULL DEFAULT 0,
      leased_pool TEXT NOT NULL DEFAULT '',
      allow_exit_nodes INTEGER NOT NULL DEFAULT 1,
      allow_subnet_routing INTEGER NOT NULL DEFAULT 1,
      key_expiry_days INTEGER NOT NULL DEFAULT 180,
      posture_enforcement TEXT NOT NULL DEFAULT 'disabled',
      reregistration TEXT NOT NULL DEFAULT 'name' CHECK (reregistration IN ('name', 'machine_key')),
      machine_quota INTEGER,
      address_pool TEXT
    ) STRICT`,
    // The address is the row id: the table itself is the index of leased addresses.
    `CREATE TABLE machines (
      address INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      rev INTEGER NOT NULL,
      name TEXT NOT NULL UNIQUE,
      os TEXT,
      status TEXT NOT NULL CHECK (status IN ('pending', 'online', 'offline', 'quarantined')),
      public_key TEXT NOT NULL,
      owner_id TEXT,
      auth_key_id TEXT,
      ephemeral INTEGER NOT NULL,
      tags TEXT NOT NULL,
      version TEXT,
      endpoints TEXT NOT NULL,
      relay_region TEXT,
      admin_disabled INTEGER NOT NULL,
      machine_key TEXT UNIQUE,
      node_key_hash TEXT NOT NULL UNIQUE,
      last_seen INTEGER NOT NULL,
      key_created_at INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT`,
    "CREATE INDEX machines_rev ON machines (rev)",
    "CREATE TABLE released_addresses (address INTEGER PRIMARY KEY) STRICT",
    `CREATE TABLE auth_keys (
      id TEXT PRIMARY KEY,
      hash TEXT NOT NULL UNIQUE,
      rev INTEGER NOT NULL,
      name TEXT NOT NULL,
      key_prefix TEXT NOT NULL,
      reusable INTEGER NOT NULL,
      ephemeral INTEGER NOT NULL,
      used_count INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      revoked INTEGER NOT NULL,
      allowed_tags TEXT,
      allowed_cidrs TEXT,
      created_by TEXT,
      created_at INTEGER NOT NULL,
      CHECK (reusable = 1 OR used_count <= 1)
    ) STRICT, WITHOUT ROWID`,
    "CREATE INDEX auth_keys_rev ON auth_keys (rev)",
    // Kept only until D1 has the row.
    `CREATE TABLE audit_outbox (
      rev INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      action TEXT NOT NULL,
      resource_type TEXT NOT NULL,
      resource_id TEXT,
      user_id TEXT,
      details TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE rate_limits (
      subject TEXT PRIMARY KEY,
      window_ends_at INTEGER NOT NULL,
      hits INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    "CREATE TABLE projected (name TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE chores (name TEXT PRIMARY KEY, due_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  ],
  [
    // Kept only until D1 has forgotten them as well.
    "CREATE TABLE deleted_machines (rev INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT",
  ],
  [
    "ALTER TABLE machines ADD COLUMN os_version_detail TEXT",
    "ALTER TABLE machines ADD COLUMN public_endpoint TEXT",
    "ALTER TABLE machines ADD COLUMN client_connectivity TEXT",
    "ALTER TABLE machines ADD COLUMN derp_latencies TEXT",
    "ALTER TABLE machines ADD COLUMN key_expiry_disabled INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machines ADD COLUMN shields_up INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machines ADD COLUMN ssh_enabled INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machines ADD COLUMN accept_routes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machines ADD COLUMN advertise_exit_node INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machines ADD COLUMN exit_node_approved INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE machines ADD COLUMN advertised_routes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE machines ADD COLUMN approved_routes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE machines ADD COLUMN approved_by TEXT",
    "ALTER TABLE machines ADD COLUMN approved_at INTEGER",
    "ALTER TABLE org ADD COLUMN approval_required INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE org ADD COLUMN disable_offloads INTEGER NOT NULL DEFAULT 0",
  ],
  [
    "ALTER TABLE machines ADD COLUMN key_expired INTEGER NOT NULL DEFAULT 0",
  ],
  [
    "ALTER TABLE machines ADD COLUMN previous_node_key_hash TEXT",
    "CREATE INDEX machines_previous_node_key ON machines (previous_node_key_hash) WHERE previous_node_key_hash IS NOT NULL",
  ],
  [
    // Nobody copies it any more.
    "DELETE FROM chores WHERE name = 'copy_last_seen'",
  ],
  [
    // Kept only until the agent has acknowledged them.
    `CREATE TABLE agent_commands (
      id TEXT PRIMARY KEY,
      machine_id TEXT NOT NULL,
      device TEXT NOT NULL,
      command TEXT NOT NULL CHECK (command IN ('lock_device', 'wipe_device')),
      requested_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    "CREATE INDEX agent_commands_machine ON agent_commands (machine_id)",
  ],
  [
    "ALTER TABLE org ADD COLUMN map_floor INTEGER NOT NULL DEFAULT 0",
    "UPDATE org SET seq = rev, map_floor = rev",
  ],
  ["ALTER TABLE auth_keys ADD COLUMN expired INTEGER NOT NULL DEFAULT 0"],
  ["ALTER TABLE machines ADD COLUMN posture TEXT"],
];

/** True once the org's tables exist. An object nobody initialised stores nothing at all. */
export function hasTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
}

/** Brings the tables to the newest version, inside the caller's transaction. */
export function applySchema(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT");
  const [row] = sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray();
  if (row === undefined) sql.exec("INSERT INTO schema_version VALUES (0)");
  const applied = row?.version ?? 0;
  for (const statements of versions.slice(applied)) for (const statement of statements) sql.exec(statement);
  if (applied < versions.length) sql.exec("UPDATE schema_version SET version = ?", versions.length);
}
