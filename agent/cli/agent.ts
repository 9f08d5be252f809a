import type { AuthKey } from "#protocol/api/auth-keys.ts";
import type { VersionCheck } from "#protocol/api/client-version.ts";
import type { ResponseOf } from "#protocol/api/endpoint.ts";
import type { Machine, MachineSettings } from "#protocol/api/machines.ts";
import type { Organization } from "#protocol/api/orgs.ts";
import type { AgentMetrics, AgentPeer, AgentStatus, localPing } from "#protocol/local/daemon.ts";
import type { NetCheck } from "#protocol/local/net-check.ts";
import type { LocalChoices, LocalSettings } from "#protocol/local/settings.ts";

export interface GlobalFlags {
  readonly apiUrl?: string | undefined;
  readonly logLevel?: "debug" | "info" | "warn" | "error" | undefined;
}

export interface UpFlags {
  readonly authKey: string | undefined;
  readonly hostname: string | undefined;
  readonly org: string | undefined;
  readonly forceReauth: boolean;
  /** What is set for this machine; absent means unchanged. */
  readonly settings: MachineSettings;
}

/** Where a command speaks to the person while it works. */
export interface Report {
  line(text: string): void;
  warn(text: string): void;
  ready(facts: { nodeKey: string }): void;
}

/** How a background process tells that it will not come up. */
export interface DetachedReport extends Report {
  pending(): void;
  failed(text: string): void;
}

export interface UpEnd {
  readonly offlineReported: boolean;
  /** It never came up: an admin has to approve the machine first. */
  readonly pending?: true;
}

export interface Profile {
  readonly name: string;
  readonly current: boolean;
  readonly api_url: string | null;
  readonly org_id: string | null;
  readonly machine: { readonly name: string; readonly tailnet_ip: string } | null;
}

export interface WireGuardExport {
  readonly machine: Machine;
  readonly peers: readonly Machine[];
  readonly text: string;
  /** The agent runs with the same key. */
  readonly isInUse: boolean;
}

export type RouteDecision = "approve_routes" | "reject_routes" | "approve_exit_node" | "reject_exit_node";

/** What the command line asks of the agent. Everything behind it is loaded when a command first needs it. */
export interface Agent {
  status(flags: GlobalFlags): Promise<AgentStatus & LocalChoices>;
  /** Undefined when no agent runs. */
  peers(flags: GlobalFlags): Promise<AgentPeer[] | undefined>;
  /** Undefined when no agent runs. */
  metrics(flags: GlobalFlags): Promise<AgentMetrics | undefined>;
  /** Every machine of the org, as the control plane has it. */
  machines(flags: GlobalFlags): Promise<Machine[]>;
  authKeys(flags: GlobalFlags): Promise<AuthKey[]>;
  /** Decides, as an admin, what a machine named by name, address or id may carry; all it offers without `routes`. */
  decideRoutes(
    flags: GlobalFlags,
    machine: string,
    decision: RouteDecision,
    routes: readonly string[] | undefined,
  ): Promise<Machine>;
  /** The first STUN server that is asked; null when none is configured. */
  stunServer(flags: GlobalFlags): Promise<string | null>;
  checkForUpdate(flags: GlobalFlags): Promise<VersionCheck>;
  /** Replaces this program by what a check has found. */
  applyUpdate(
    flags: GlobalFlags,
    check: VersionCheck,
    onProgress: (received: number, total: number | undefined) => void,
    onDownloaded: () => void,
  ): Promise<void>;
  /** Keeps settings and tells the control plane; answers them as kept, and what it could not be told. */
  saveSettings(
    flags: GlobalFlags,
    wanted: LocalSettings,
  ): Promise<{ saved: LocalSettings; warnings: readonly string[] }>;
  /** Of the machine with this id, or of this one. The text holds its private key. */
  wireGuardConfig(flags: GlobalFlags, machineId: string | undefined): Promise<WireGuardExport>;
  checkNetwork(flags: GlobalFlags): Promise<NetCheck>;
  profiles(flags: GlobalFlags): Promise<Profile[]>;
  /** Of the person who is logged in; undefined when nobody is. */
  organizations(flags: GlobalFlags): Promise<Organization[] | undefined>;
  createProfile(flags: GlobalFlags, name: string): Promise<void>;
  deleteProfile(flags: GlobalFlags, name: string): Promise<void>;
  /** Answers the name of the profile that is in use then. */
  switchTo(flags: GlobalFlags, target: string, isProfile: boolean): Promise<string>;
  /** Names that a shell may complete; none when they cannot be read. */
  completionNames(): Promise<{ machines: readonly string[]; profiles: readonly string[] }>;
  /** Answers the path of the file. */
  writeBugReport(flags: GlobalFlags, output: string | undefined): Promise<string>;
  /** Replaces a file as a whole. */
  writeFile(path: string, text: string): Promise<void>;
  ping(flags: GlobalFlags, target: string, timeoutMs: number): Promise<ResponseOf<typeof localPing> | undefined>;
  /** The auth key of the environment, which wins over one on the command line. */
  authKeyFromEnvironment(): string | undefined;
  /** The address of this machine by which somebody has come in over SSH. */
  sshServerAddress(): string | undefined;
  /** Runs until `stop` is aborted or somebody stops it. */
  up(flags: GlobalFlags, options: UpFlags, report: Report, stop: AbortSignal): Promise<UpEnd>;
  /** Starts `up` in the background and returns when it is up; undefined when the machine waits for approval. */
  upDetached(
    flags: GlobalFlags,
    options: UpFlags,
    report: Report,
  ): Promise<{ pid: number; logPath: string } | undefined>;
  /** The report a background process gives to the one that started it, or undefined in a foreground process. */
  detachedReport(): DetachedReport | undefined;
  /** Undefined when no agent runs. */
  down(flags: GlobalFlags): Promise<{ pid: number; offlineReported: boolean } | undefined>;
  loginWithPassword(flags: GlobalFlags, email: string, password: string): Promise<void>;
  /** Hands out the address to visit, then waits for the person to come back from there. */
  loginInBrowser(
    flags: GlobalFlags,
    options: { readonly provider: string | undefined; readonly timeoutMs: number },
    onUrl: (url: string) => void,
  ): Promise<void>;
  logout(flags: GlobalFlags): Promise<void>;
  logPath(flags: GlobalFlags): Promise<string>;
}
