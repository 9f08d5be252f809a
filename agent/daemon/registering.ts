import { ZtnaError } from "#protocol/errors.ts";
import { seconds } from "./announcer.ts";
import { type AgentConfig, updateConfigFile } from "./config.ts";
import { type Credential, enrolPatiently } from "./enrol.ts";
import type { Log } from "./log.ts";
import { removeFile } from "./private-file.ts";
import { type AgentState, type Registration, writeState } from "./state-file.ts";
import type { UpOptions, UpReport } from "./up.ts";

export interface Registering {
  readonly config: AgentConfig;
  readonly apiUrl: string;
  readonly options: UpOptions;
  readonly credential: () => Credential;
  readonly report: UpReport;
  readonly log: Log;
  readonly stop: AbortSignal;
  /** These keys are new because another host has the old ones: its name is probably ours as well. */
  readonly parted: boolean;
}

const PENDING = [
  "Machine registered but requires admin approval.",
  "Ask your org admin to approve this machine in the dashboard:",
  "  Machines page → Pending Approval tab → Approve",
  "Run 'ztna up' again after approval.",
];

export function sayPending(report: UpReport): void {
  for (const line of PENDING) report.line(line);
}

/** The registration to run as, be it pending; undefined when the person gave up waiting. */
export async function registerHere(
  context: Registering,
  state: AgentState,
  how: "register" | "renew" | "reuse" | "setup",
): Promise<Registration | undefined> {
  const known = state.registration;
  if (how === "reuse") return sayRegistered(context, known!, true);
  try {
    const registration = await enrolOrGoOn(context, state, how === "renew");
    if (registration === undefined) return sayRegistered(context, known!, true);
    keep(context, state, registration);
    if (registration.pending === true) return registration;
    return sayRegistered(context, registration, known?.machine_id === registration.machine_id);
  } catch (error) {
    if (context.stop.aborted) return undefined;
    const what = how === "setup" ? "registration" : "auth key registration";
    throw error instanceof ZtnaError
      ? new Error(`${what} failed: ${error.code}: ${error.message}`, { cause: error })
      : error;
  }
}

function keep({ config, apiUrl, log }: Registering, state: AgentState, registration: Registration): void {
  writeState(config.paths.state, { ...state, registration });
  if (state.registration?.machine_id !== registration.machine_id) removeFile(config.paths.netMap);
  updateConfigFile(config, { api_url: apiUrl, org_id: registration.org_id });
  log("info", "machine.registered", { name: registration.name });
}

/** Undefined when a machine that is registered already can go on as it was. */
async function enrolOrGoOn(
  context: Registering,
  state: AgentState,
  mayGoOn: boolean,
): Promise<Registration | undefined> {
  const { report, apiUrl, stop } = context;
  const attempt = new AbortController();
  const signal = AbortSignal.any([attempt.signal, stop]);
  let gaveUp = false;
  try {
    return await enrolByName(context, state, signal, (error, ms) => {
      gaveUp = mayGoOn;
      if (mayGoOn) attempt.abort();
      else report.warn(`${pauseReason(error, apiUrl)}, retrying in ${seconds(ms)} s...`);
    });
  } catch (error) {
    if (gaveUp && !stop.aborted) return undefined;
    if (!mayGoOn || !(error instanceof ZtnaError) || stop.aborted) throw error;
    // An expired key in a service's environment must not cost a registered machine its network.
    report.warn(
      `Warning: auth key registration failed: ${error.code}: ${error.message}. Going on as the machine registered before.`,
    );
    return undefined;
  }
}

async function enrolByName(
  context: Registering,
  state: AgentState,
  signal: AbortSignal,
  onPause: (error: ZtnaError, ms: number) => void,
): Promise<Registration> {
  const { apiUrl, options: { settings }, credential, parted } = context;
  const name = nameFor(context, state);
  const request = { apiUrl, state, credential: credential(), settings, signal };
  try {
    return await enrolPatiently({ ...request, name }, onPause);
  } catch (error) {
    if (!parted || !(error instanceof ZtnaError) || error.code !== "REGISTRATION_CONFLICT") throw error;
    return await enrolPatiently({ ...request, name: `${name}-${state.machine_key.slice(0, 4)}` }, onPause);
  }
}

/** Who is registered keeps its name, which an admin may have given it, unless the person says another. */
function nameFor({ config, apiUrl, options }: Registering, { registration }: AgentState): string {
  const known = registration?.api_url === apiUrl ? registration.name : undefined;
  return options.hostname ?? config.file.hostname ?? known ?? config.hostname;
}

function sayRegistered({ report }: Registering, registration: Registration, before: boolean): Registration {
  const { name, tailnet_ip } = registration;
  report.line(before ? `Already registered: ${name} (IP: ${tailnet_ip})` : `Registered: ${name} (${tailnet_ip})`);
  return registration;
}

function pauseReason(error: ZtnaError, apiUrl: string): string {
  return error.code === "UNAVAILABLE" ? `Cannot reach ${apiUrl}` : `${error.code}: ${error.message.replace(/\.$/, "")}`;
}
