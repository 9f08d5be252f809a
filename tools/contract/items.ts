/** What of the product's contract belongs to registering machines and to their life: each of it has a test that names it. */
export interface Chapter {
  readonly title: string;
  readonly items: readonly Item[];
}

export interface Item {
  readonly name: string;
  /** A test proves the item when its title holds all of these as whole words. */
  readonly words: readonly string[];
  /** Words of a test with rows that has this item among them. */
  readonly amongRows?: readonly string[];
}

export const chapters: readonly Chapter[] = [
  {
    title: "Endpoints and actions",
    items: [
      ...endpoint("POST /api/register-machine"),
      ...endpoint("POST /api/client-setup"),
      ...endpoint("POST /api/key-management", "create_auth_key", "revoke_auth_key"),
      ...endpoint("POST /api/api-keys"),
      ...endpoint(
        "POST /api/machine-admin",
        "approve",
        "enable",
        "disable",
        "quarantine",
        "unquarantine",
        "rename",
        "update_tags",
        "update_flags",
        "set_key_expiry",
        "approve_routes",
        "approve_exit_node",
        "reject_exit_node",
        "delete",
      ),
      ...endpoint("POST /api/machine-heartbeat", "online", "offline", "quarantined", "admin_disabled"),
      ...endpoint("POST /api/enforce-key-expiry"),
      ...endpoint("POST /api/org-management", "update_org_settings"),
      ...["machines", "auth_keys", "org_settings"].map(table),
      ...endpoint("DELETE /api/db/machines"),
      ...endpoint("POST /api/db/_rpc", "get_dashboard_stats", "get_org_members"),
      ...endpoint("POST /api/governance", "search_audit_logs"),
      ...endpoint("GET /api/control"),
      ...endpoint("GET /api/realtime", "machines", "keys", "audit"),
    ],
  },
  {
    title: "People who do it",
    items: [
      ...["signup", "login", "refresh", "logout"].flatMap((verb) => endpoint(`POST /api/auth/${verb}`)),
      ...endpoint("GET /api/auth/me"),
      ...["github", "google"].flatMap((door) => endpoint(`POST /api/auth/${door}`, "initiate", "callback")),
      ...endpoint("POST /api/auth", "cli_complete"),
      ...endpoint("GET /api/user-orgs"),
      ...endpoint(
        "POST /api/org-management",
        "create",
        "update_org",
        "invite_member",
        "list_invitations",
        "revoke_invitation",
        "change_role",
        "remove_member",
      ).slice(1),
      ...endpoint("POST /api/invitation"),
      ...endpoint("POST /api/accept-invitation"),
      ...endpoint("GET /api/auth/sessions"),
      ...endpoint("POST /api/auth/sessions", "revoke", "revoke_others").slice(1),
      ...["update-profile", "change-password", "delete-account"].flatMap((verb) => endpoint(`POST /api/auth/${verb}`)),
    ],
  },
  {
    title: "Error codes",
    items: [
      "ACCOUNT_LOCKED",
      "ALREADY_MEMBER",
      "CONFLICT",
      "DUPLICATE_INVITATION",
      "EMAIL_MISMATCH",
      "FORBIDDEN",
      "INTERNAL_ERROR",
      "INVALID_CREDENTIALS",
      "INVALID_INPUT",
      "INVALID_INVITATION",
      "INVALID_JSON",
      "INVALID_KEY",
      "INVALID_NODE_KEY",
      "INVALID_PASSWORD",
      "INVALID_ROLE",
      "INVALID_STATE",
      "INVALID_TOKEN",
      "INVALID_VALUE",
      "IP_NOT_ALLOWED",
      "KEY_EXPIRED",
      "KEY_USED",
      "MISSING_FIELDS",
      "MISSING_TOKEN",
      "NOT_FOUND",
      "PENDING_APPROVAL",
      "PLAN_LIMIT_REACHED",
      "QUOTA_EXCEEDED",
      "RATE_LIMITED",
      "REGISTRATION_CONFLICT",
      "UNAUTHORIZED",
      "UNKNOWN_ACTION",
      "UNSAFE_DELETE",
    ].map((name) => ({ name, words: [name] })),
  },
  {
    title: "Commands",
    items: [
      ...verb("login", "--auth-key", "--interactive", "--github", "--google", "--timeout", "--hostname"),
      ...verb("logout"),
      ...verb(
        "up",
        "--auth-key",
        "--hostname",
        "--advertise-tags",
        "--advertise-routes",
        "--advertise-exit-node",
        "--accept-routes",
        "--shields-up",
        "--ssh",
        "--force-reauth",
      ),
      ...verb("connect"),
      ...verb("down"),
      ...verb("disconnect"),
      ...verb("status", "--json"),
      ...verb("peers", "--json", "--active"),
      ...verb("ip"),
      ...verb("whois"),
      ...verb("ping"),
      ...verb("machines list", "--json"),
      ...verb("auth-keys list", "--json"),
      ...verb(
        "set",
        "--hostname",
        "--tags",
        "--shields-up",
        "--ssh",
        "--accept-routes",
        "--advertise-exit-node",
        "--advertise-routes",
      ),
      ...verb("version"),
      ...verb("update --check"),
      ...verb("log"),
      ...verb("bugreport"),
      ...verb("metrics print"),
      ...verb("metrics write"),
      ...verb("wg-config export"),
      ...verb("netcheck"),
      ...verb("switch"),
      ...verb("profile"),
      ...verb("completion"),
    ],
  },
];

/** A path by itself, and each of its actions. Titles may name the method or leave it out. */
function endpoint(name: string, ...actions: string[]): Item[] {
  const path = name.split(" ")[1]!;
  return [
    { name, words: [path] },
    ...actions.map((action) => ({ name: `${name} ${action}`, words: [path, action] })),
  ];
}

/** The tests of the table API have a row for each table; one of them sees to it that none is left out. */
function table(name: string): Item {
  return { name: `GET /api/db/${name}`, words: [`/api/db/${name}`], amongRows: ["/api/db/%s"] };
}

function verb(name: string, ...flags: string[]): Item[] {
  const command = `ztna ${name}`;
  return [
    { name: command, words: [command] },
    ...flags.map((flag) => ({ name: `${command} ${flag}`, words: [command, flag] })),
  ];
}
