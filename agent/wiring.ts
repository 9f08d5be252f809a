import type { MachineSettings } from "#protocol/api/machines.ts";
import { localMetrics, localPeers, localPing } from "#protocol/local/daemon.ts";
import type { Agent, DetachedReport, GlobalFlags, Report } from "./cli/agent.ts";
import type { StartLine } from "./daemon/detach.ts";

/** Joins the command line to the agent. Each command loads what it needs: `ztna status` never sees the data plane. */
export const agent: Agent = {
  async status(flags) {
    const { readStatus } = await import("./daemon/read-status.ts");
    return await readStatus(await config(flags));
  },
  async peers(flags) {
    const { askAgent } = await import("./daemon/local-client.ts");
    return await askAgent((await config(flags)).paths, localPeers, {});
  },
  async metrics(flags) {
    const { askAgent } = await import("./daemon/local-client.ts");
    return await askAgent((await config(flags)).paths, localMetrics, {});
  },
  machines: async (...args) => await (await organization()).machines(...args),
  authKeys: async (...args) => await (await organization()).authKeys(...args),
  decideRoutes: async (...args) => await (await organization()).decideRoutes(...args),
  async stunServer(flags) {
    return (await config(flags)).stunServers[0] ?? null;
  },
  organizations: async (...args) => await (await organization()).organizations(...args),
  saveSettings: async (...args) => await (await organization()).saveSettings(...args),
  wireGuardConfig: async (...args) => await (await organization()).wireGuardConfig(...args),
  profiles: async (...args) => await (await organization()).profiles(...args),
  createProfile: async (...args) => await (await organization()).createProfile(...args),
  deleteProfile: async (...args) => await (await organization()).deleteProfile(...args),
  switchTo: async (...args) => await (await organization()).switchTo(...args),
  checkNetwork: async (...args) => await (await organization()).checkNetwork(...args),
  writeBugReport: async (...args) => await (await organization()).writeBugReport(...args),
  checkForUpdate: async (...args) => await (await organization()).checkForUpdate(...args),
  applyUpdate: async (...args) => await (await organization()).applyUpdate(...args),
  completionNames: async (...args) => await (await organization()).completionNames(...args),
  async writeFile(path, text) {
    const { replaceFile } = await import("./daemon/private-file.ts");
    replaceFile(path, text, 0o644);
  },
  async ping(flags, target, timeout_ms) {
    const { askAgent } = await import("./daemon/local-client.ts");
    return await askAgent((await config(flags)).paths, localPing, { target, timeout_ms });
  },
  authKeyFromEnvironment() {
    return Deno.env.get("ZTNA_AUTH_KEY")?.trim() || undefined;
  },
  sshServerAddress() {
    // What sshd says of a session: client and port, server and port.
    return Deno.env.get("SSH_CONNECTION")?.split(" ")[2];
  },
  async up(flags, options, report, stop) {
    const { runUp } = await import("./daemon/up.ts");
    return await runUp(await config(flags), options, report, stop);
  },
  async upDetached(flags, { authKey, hostname, org, forceReauth, settings }, report) {
    const { startDetached } = await import("./daemon/detach.ts");
    const { paths, apiUrl } = await config(flags);
    const args = ["up", ...globalArguments({ ...flags, apiUrl: flags.apiUrl ?? apiUrl })];
    if (hostname !== undefined) args.push("--hostname", hostname);
    if (org !== undefined) args.push("--org", org);
    args.push(...settingArguments(settings));
    if (forceReauth) args.push("--force-reauth");
    const environment = { QUICKZTNA_CONFIG_DIR: paths.root, ZTNA_AUTH_KEY: authKey ?? "" };
    const { pid, outcome } = await startDetached(args, environment, (line) => relay(line, report));
    if (outcome.type === "failed") throw new Error(outcome.text);
    return outcome.type === "pending" ? undefined : { pid, logPath: paths.log };
  },
  detachedReport() {
    return Deno.env.has("ZTNA_DETACHED") ? startLineReport() : undefined;
  },
  async down(flags) {
    const { stopAgent } = await import("./daemon/down.ts");
    return await stopAgent(await config(flags));
  },
  async loginWithPassword(flags, email, password) {
    const { loginWithPassword } = await import("./daemon/login.ts");
    await loginWithPassword(await config(flags), email, password);
  },
  async loginInBrowser(flags, options, onUrl) {
    const { loginInBrowser } = await import("./daemon/browser-login.ts");
    await loginInBrowser(await config(flags), options, onUrl);
  },
  async logout(flags) {
    const { logoutHere } = await import("./daemon/login.ts");
    await logoutHere(await config(flags));
  },
  async logPath(flags) {
    return (await config(flags)).paths.log;
  },
};

async function organization() {
  return (await import("./organization-commands.ts")).organizationCommands;
}

async function config(flags: GlobalFlags) {
  const { readConfig } = await import("./daemon/config.ts");
  return readConfig(flags);
}

function globalArguments({ apiUrl, logLevel }: GlobalFlags): string[] {
  return [
    ...(apiUrl === undefined ? [] : ["--api-url", apiUrl]),
    ...(logLevel === undefined ? [] : ["--log-level", logLevel]),
  ];
}

function settingArguments({ tags, advertise_routes, ...flags }: MachineSettings): string[] {
  const switches = Object.entries(flags).map(([name, on]) =>
    `--${name.replace("_enabled", "").replaceAll("_", "-")}=${on}`
  );
  return [
    ...(tags === undefined ? [] : [`--advertise-tags=${tags.join(",")}`]),
    ...(advertise_routes === undefined ? [] : [`--advertise-routes=${advertise_routes.join(",")}`]),
    ...switches,
  ];
}

function relay(line: StartLine, report: Report): void {
  if (line.type === "line") report.line(line.text);
  else if (line.type === "warn") report.warn(line.text);
  else if (line.type === "ready") report.ready({ nodeKey: line.nodeKey });
}

/** The report of an agent in the background: until it is ready to the process that started it, then to nobody. */
function startLineReport(): DetachedReport {
  let open = true;
  const write = (line: StartLine) => {
    if (!open) return;
    if (line.type !== "line" && line.type !== "warn") open = false;
    try {
      Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(line) + "\n"));
      if (!open) Deno.stdout.close();
    } catch {
      // The one who started it is gone; the log tells the rest.
      open = false;
    }
  };
  return {
    line: (text) => write({ type: "line", text }),
    warn: (text) => write({ type: "warn", text }),
    ready: ({ nodeKey }) => write({ type: "ready", nodeKey }),
    pending: () => write({ type: "pending" }),
    failed: (text) => write({ type: "failed", text }),
  };
}
